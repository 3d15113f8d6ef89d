"""What a run would notice: a checker that finds nothing wrong proves nothing."""

from pathlib import Path

import pytest

from tasks_app.models import ExecutionRecord, Instance
from tests.chaos.proof import wrong_effects, wrong_ends
from tests.support.builders import a_task
from tests.support.driving import claim
from tests.support.effects import append_effect
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "effects"


@pytest.fixture
def effect(log: Path) -> str:
    """One completed attempt, and the effect that it had."""
    instance = an_instance(a_task("only"), name="one")
    held = claim(task(instance, "only"))
    effect = f"{instance.public_id}/only/{held.attempt}"
    ExecutionRecord.objects.update(status="completed", executor="chaos_step", output={"effect": effect})
    type(task(instance, "only")).objects.update(output={"effect": effect})
    append_effect(log, effect)
    return effect


def test_it_is_content_with_one_effect_for_each_attempt(log: Path, effect: str) -> None:
    assert list(wrong_effects(log)) == []


def test_it_sees_an_attempt_that_took_effect_twice(log: Path, effect: str) -> None:
    append_effect(log, effect)

    assert list(wrong_effects(log)) == [f"{effect} took effect 2 times"]


def test_it_sees_an_effect_that_nobody_recorded(log: Path, effect: str) -> None:
    append_effect(log, "inst-0/nobody/1")

    assert list(wrong_effects(log)) == ["inst-0/nobody/1 took effect and is on no record"]


def test_it_sees_a_completion_without_an_effect(log: Path, effect: str) -> None:
    log.unlink()

    assert list(wrong_effects(log)) == [f"{effect} completed without an effect"]


def test_it_sees_the_output_of_another_attempt(log: Path, effect: str) -> None:
    ExecutionRecord.objects.update(output={"effect": "of another"})

    assert len(list(wrong_effects(log))) == 1


def test_it_sees_an_instance_that_ended_otherwise(effect: str) -> None:
    assert list(wrong_ends({"one": "running"})) == []

    (found,) = wrong_ends({"one": "completed"})

    assert f"{Instance.objects.get().public_id} (one) is running, not completed" in found
