"""What a terminal shows while instances run, and the table at the end."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

from rich.console import Console

from cpds.host.standalone.screen.live_view import picture
from cpds.host.standalone.screen.presenting import Presenter
from cpds.host.standalone.screen.results import SHOWN_TASKS, results
from tasks_app.services.queries.views.instances import (
    InstanceStatusView,
    OverviewInstanceView,
    OverviewTaskView,
    OverviewView,
    ProgressView,
    TaskStatusView,
)
from tasks_app.services.queries.views.tasks import TaskErrorView

AT = datetime(2026, 1, 1, 12, 2, 5, tzinfo=UTC)


def text_of(renderable: Any) -> str:
    console = Console(file=StringIO(), width=140)
    console.print(renderable)
    return console.file.getvalue()


def table_of(document: InstanceStatusView) -> str:
    return "\n".join(line.plain for line in results(document, now=AT, width=140))


def an_instance(**changes: Any) -> OverviewInstanceView:
    progress = ProgressView(total=5, completed=3, running=1, failed=0, pending=1)
    fixed = {"id": "inst-1", "workflow_name": "etl", "status": "running", "progress": progress}
    return OverviewInstanceView(**{**fixed, **changes})


def a_running_task(**changes: Any) -> OverviewTaskView:
    started_at = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    fixed = {"instance_id": "inst-1", "executor": "claude", "started_at": started_at, "worker": "w"}
    return OverviewTaskView(
        **{**fixed, "name": "写报告", "progress": 0.5, "message": "half of it", **changes}
    )


def a_result(*tasks: TaskStatusView, status: str = "completed") -> InstanceStatusView:
    done = sum(each.status == "completed" for each in tasks)
    return InstanceStatusView(
        id="inst-1",
        workflow_id="wf-1",
        workflow_name="etl",
        workflow_version=1,
        status=status,
        params={},
        progress=ProgressView(
            total=len(tasks), completed=done, running=0, failed=len(tasks) - done, pending=0
        ),
        created_at="2026-01-01T12:00:00.000Z",
        started_at="2026-01-01T12:00:00.000Z",
        finished_at="2026-01-01T12:02:05.000Z",
        duration_ms=125_000,
        error_message=None,
        parent_instance=None,
        tasks=list(tasks),
    )


def a_task(**changes: Any) -> TaskStatusView:
    fixed: dict[str, Any] = dict.fromkeys(TaskStatusView.__struct_fields__)
    used = {"attempts": 1, "duration_ms": 150_000, "tokens": 1234, "cost_usd": 0.0125, "simulated": False}
    named = {"name": "one", "status": "completed", "executor": "claude", "needs": []}
    return TaskStatusView(**{**fixed, **used, **named, **changes})


def test_an_instance_has_a_bar_and_a_running_task_a_line() -> None:
    overview = OverviewView(instances=[an_instance()], tasks=[a_running_task()])

    bar, line = text_of(picture(overview, at=AT, rehearsal=False)).splitlines()

    assert "etl" in bar
    assert "3/5" in bar
    assert "━" in bar
    assert all(word in line for word in ("写报告", "claude", "2m05s", "50%", "half of it"))
    assert "simulated" not in line


def test_what_is_rehearsed_is_called_simulated() -> None:
    overview = OverviewView(instances=[], tasks=[a_running_task(), a_running_task(executor="shell_command")])

    lines = text_of(picture(overview, at=AT, rehearsal=True)).splitlines()

    assert ["simulated" in line for line in lines] == [True, False]


def test_what_does_not_fit_is_counted() -> None:
    overview = OverviewView(instances=[], tasks=[a_running_task()] * 20)

    assert "and 4 more running tasks" in text_of(picture(overview, at=AT, rehearsal=False))


def test_names_cannot_steer_the_terminal() -> None:
    overview = OverviewView(instances=[an_instance(workflow_name="[red]a\x1b[2J")], tasks=[])

    shown = text_of(picture(overview, at=AT, rehearsal=False))

    assert "\x1b" not in shown
    assert "[red]a" in shown


def test_the_table_tells_how_each_task_ended() -> None:
    failed = a_task(name="two", status="failed", error=TaskErrorView(kind="error", message="no\nsuch thing"))

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
