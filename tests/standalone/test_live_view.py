"""What a terminal shows while instances run, and the table at the end."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

from rich.console import Console

from cpds.host.standalone.screen.live_view import picture
from cpds.host.standalone.screen.presenting import Presenter
from cpds.host.standalone.screen.results import SHOWN_TASKS, results

AT = datetime(2026, 1, 1, 12, 2, 5, tzinfo=UTC)


def text_of(renderable: Any) -> str:
    console = Console(file=StringIO(), width=140)
    console.print(renderable)
    return console.file.getvalue()


def table_of(document: dict[str, Any]) -> str:
    return "\n".join(line.plain for line in results(document, now=AT, width=140))


def an_instance(**changes: Any) -> dict[str, Any]:
    progress = {"total": 5, "completed": 3, "running": 1, "failed": 0, "pending": 1}
    return {"id": "inst-1", "workflow_name": "etl", "status": "running", "progress": progress, **changes}


def a_running_task(**changes: Any) -> dict[str, Any]:
    started_at = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    fixed = {"instance_id": "inst-1", "executor": "claude", "started_at": started_at, "worker": "w"}
    return {**fixed, "name": "写报告", "progress": 0.5, "message": "half of it", **changes}


def a_result(*tasks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    done = sum(each["status"] == "completed" for each in tasks)
    progress = {"total": len(tasks), "completed": done}
    fixed = {"id": "inst-1", "workflow_name": "etl", "status": "completed", "error_message": None}
    return {**fixed, "progress": progress, "tasks": list(tasks), **changes}


def a_task(**changes: Any) -> dict[str, Any]:
    fixed = {
        "name": "one",
        "status": "completed",
        "executor": "claude",
        "attempts": 1,
        "duration_ms": 150_000,
    }
    return {**fixed, "tokens": 1234, "cost_usd": 0.0125, "error": None, "simulated": False, **changes}


def test_an_instance_has_a_bar_and_a_running_task_a_line() -> None:
    overview = {"instances": [an_instance()], "tasks": [a_running_task()]}

    bar, line = text_of(picture(overview, at=AT, rehearsal=False)).splitlines()

    assert "etl" in bar
    assert "3/5" in bar
    assert "━" in bar
    assert all(word in line for word in ("写报告", "claude", "2m05s", "50%", "half of it"))
    assert "simulated" not in line


def test_what_is_rehearsed_is_called_simulated() -> None:
    overview = {"instances": [], "tasks": [a_running_task(), a_running_task(executor="shell_command")]}

    lines = text_of(picture(overview, at=AT, rehearsal=True)).splitlines()

    assert ["simulated" in line for line in lines] == [True, False]


def test_what_does_not_fit_is_counted() -> None:
    overview = {"instances": [], "tasks": [a_running_task()] * 20}

    assert "and 4 more running tasks" in text_of(picture(overview, at=AT, rehearsal=False))


def test_names_cannot_steer_the_terminal() -> None:
    overview = {"instances": [an_instance(workflow_name="[red]a\x1b[2J")], "tasks": []}

    shown = text_of(picture(overview, at=AT, rehearsal=False))

    assert "\x1b" not in shown
    assert "[red]a" in shown


def test_the_table_tells_how_each_task_ended() -> None:
    failed = a_task(name="two", status="failed", error={"kind": "error", "message": "no\nsuch thing"})

    table = table_of(a_result(a_task(simulated=True), failed, status="failed"))

    assert all(word in table for word in ("2m30s", "1,234", "$0.0125", "(simulated)", "no such thing"))
    assert "1 of 2 tasks completed" in table


def test_a_long_table_keeps_what_did_not_complete() -> None:
    many = [a_task(name=f"t{number}") for number in range(SHOWN_TASKS)]

    table = table_of(a_result(*many, a_task(name="the bad one", status="failed")))

    assert "the bad one" in table
    assert f"{SHOWN_TASKS} more tasks are not listed" in table


def test_names_are_whole_where_no_terminal_is() -> None:
    name, out = "a name of many words " * 8, StringIO()

    Presenter(out).report(a_result(a_task(name=name), a_task(name="next", duration_ms=4_321)))

    heading, first, second, *_ = out.getvalue().splitlines()
    assert first.startswith(name.strip())
    assert second.split() == ["next", "completed", "claude", "1", "4.3s", "1,234", "$0.0125"]
    assert heading.index("tokens") + len("tokens") == first.index("1,234") + len("1,234")
    assert "\x1b" not in out.getvalue()
