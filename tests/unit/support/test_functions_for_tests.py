import json

import pytest

from tests.support import functions_for_tests as functions
from tests.support.effects import append_effect, effects
from workers_app.functions import task_functions


def test_workers_find_the_functions():
    assert {"noop", "echo", "nap", "fail", "record_effect", "hold", "die"} <= set(task_functions())


def test_an_effect_is_one_line_outside_the_system(tmp_path):
    log = tmp_path / "effects"
    assert effects(log) == []

    functions.record_effect(str(log), line="first")
    append_effect(log, "第二\nsecond")

    assert [effect.line for effect in effects(log)] == ["first", "第二\nsecond"]
    assert len(log.read_text().splitlines()) == 2
    assert json.loads(log.read_text().splitlines()[0])["line"] == "first"


def test_it_fails_at_first_and_then_succeeds(tmp_path):
    log = str(tmp_path / "tries")

    with pytest.raises(RuntimeError, match="try 1 of 1"):
        functions.fail_at_first(log)

    assert functions.fail_at_first(log) == 2


def test_a_held_task_goes_on_when_its_file_is_there(tmp_path):
    gate = tmp_path / "gate"
    gate.touch()

    assert functions.hold(str(gate), started=str(tmp_path / "started"), line="held-1") == "held-1"
    assert [effect.line for effect in effects(tmp_path / "started")] == ["held-1"]
