"""Colour and width, on terminals and on pipes."""

import pytest

from tasks_app.states import InstanceState
from tests.cli.moves import end

pytestmark = pytest.mark.django_db
ESCAPE = "\x1b["


@pytest.fixture(autouse=True)
def a_failed_instance(submitted):
    instance = submitted(name="etl")
    end(instance, InstanceState.FAILED, error="it broke")
    return instance


def test_a_terminal_gets_colours(run):
    assert ESCAPE in run("instance", "list", screen=True).out


def test_a_pipe_gets_none(run):
    assert ESCAPE not in run("instance", "list").out


@pytest.mark.parametrize("flags", [(), ("--force-color",)])
def test_no_colour_is_wanted_by_the_environment_unless_forced(run, monkeypatch, flags):
    monkeypatch.setenv("NO_COLOR", "1")

    assert (ESCAPE in run("instance", "list", *flags, screen=True).out) == bool(flags)


@pytest.mark.parametrize("argv", [("instance", "list", "--no-color"), ("instance", "--no-color", "list")])
def test_no_colour_is_wanted_by_the_command_line(run, argv):
    assert ESCAPE not in run(*argv, screen=True).out


def test_forced_colours_reach_a_pipe(run):
    assert ESCAPE in run("instance", "list", "--force-color").out


def test_an_error_is_coloured_on_a_terminal_only(run):
    assert ESCAPE in run("instance", "status", "nothing", screen=True).err
    assert ESCAPE not in run("instance", "status", "nothing").err


def test_json_has_no_colour_on_a_terminal(run):
    assert ESCAPE not in run("instance", "list", "--json", screen=True).out


def test_a_narrow_terminal_keeps_ids_whole(run, monkeypatch, a_failed_instance):
    monkeypatch.setenv("COLUMNS", "20")

    ran = run("instance", "history", "etl", "--status", "failed", "--no-color", screen=True)

    assert ran.lines[1].startswith(f"{a_failed_instance}  Failed  2026-01-08 10:00:00  1m15s")


def test_json_may_stand_before_the_verb(run):
    assert isinstance(run("instance", "--json", "list").json, list)


def test_an_error_can_be_traced(run):
    from tasks_app.errors import NotFound

    with pytest.raises(NotFound):
        run("instance", "status", "nothing", "--traceback")
