"""A command as a tool of a worker over HTTP: performed and judged as ``shell_command`` is."""

import sys

import pytest

from tasks_app.outcomes import Completed
from tests.unit.executors.builders import a_call
from workers_app.executors.shell_command import ShellCommand
from workers_app.sdk.tools.command import CommandTool

SCRIPT = "import sys; print('out'); print('no luck', file=sys.stderr); "


@pytest.mark.parametrize(
    "argv",
    [
        ["printf", "done"],
        [sys.executable, "-c", SCRIPT + "sys.exit(3)"],
        [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"],
        ["no-such-program-here"],
        ["/dev/null"],
        ["printf", "x" * 200_000],
    ],
    ids=["done", "exit-code", "signal", "missing", "not-executable", "too-long"],
)
def test_a_command_is_judged_as_by_every_other_worker(fleet, hire, tmp_path, argv):
    outcome = ShellCommand().execute(a_call(tmp_path, argv=argv))

    fleet.give()
    hire(CommandTool(argv)).over()

    if isinstance(outcome, Completed):
        assert fleet.told("complete")["output"] == outcome.output["stdout"]
    else:
        told = fleet.told("fail")
        facts = outcome.kind, outcome.message, outcome.retryable
        assert (told["kind"], told["message"], told["retryable"]) == facts
        assert told["detail"].items() >= outcome.detail.items()


def test_what_a_failed_command_printed_is_told(fleet, hire):
    fleet.give(prompt="try it")

    hire(CommandTool([sys.executable, "-c", SCRIPT + "sys.exit(3)"])).over()

    told = fleet.told("fail")
    assert told["detail"] == {"exit_code": 3, "stdout": "out\n", "stderr": "no luck\n"}
    assert told["report"] == {"prompt": "try it", "metadata": {"truncated": False}}
    assert fleet.told("logs")["lines"] == ["no luck"]


def test_one_that_takes_too_long_is_ended(fleet, hire):
    fleet.give()

    assert hire(CommandTool(["sleep", "300"], timeout_seconds=0.3)).over().failed == 1

    told = fleet.told("fail")
    assert (told["kind"], told["message"]) == (
        "timeout",
        "sleep was still running after 0.3 seconds and was ended",
    )


def test_it_ends_with_its_task(fleet, hire):
    fleet.give(timeout_seconds=0.3)

    assert hire(CommandTool(["sleep", "300"])).over().failed == 1

    assert fleet.told("fail")["kind"] == "timeout"


def test_an_output_too_long_to_keep_loses_its_middle_and_says_so(fleet, hire):
    fleet.give()

    hire(CommandTool(["seq", "1", "1000"], kept_bytes=100)).over()

    told = fleet.told("complete")
    assert "bytes left out" in told["output"]
    assert told["report"]["metadata"] == {"truncated": True}


def test_a_workspace_that_cannot_be_made_fails_the_attempt_as_everywhere(fleet, hire, tmp_path):
    occupied = tmp_path / "file"
    occupied.touch()
    fleet.give()

    hire(CommandTool(["true"]), workspace=occupied).over()

    assert (fleet.told("fail")["kind"], fleet.told("fail")["retryable"]) == ("workspace", True)


def test_placeholders_are_filled_in_and_other_braces_stay(fleet, hire):
    fleet.give(prompt="two words")
    script = "cat {prompt_file}; printf ' {} {prompt}'"

    hire(CommandTool(["sh", "-c", script])).over()

    assert fleet.told("complete")["output"] == "two words {} two words"


def test_the_workers_own_variables_are_not_passed_on(fleet, hire, monkeypatch):
    monkeypatch.setenv("CPDS_WORKER_TOKEN", "cpds_wrk_secret")
    monkeypatch.setenv("OTHER_VARIABLE", "seen")
    fleet.give()

    hire(CommandTool(["env"])).over()

    output = fleet.told("complete")["output"]
    assert "cpds_wrk_secret" not in output
    assert "OTHER_VARIABLE=seen" in output


def test_an_output_of_another_form_than_promised_fails_the_attempt(fleet, hire):
    fleet.give()

    hire(CommandTool(["printf", "words"], output="json")).over()

    assert fleet.told("fail")["kind"] == "bad_output"
