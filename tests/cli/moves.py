"""Bring instances and tasks where a test needs them, by the only writer of states."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cpds.base import db
from tasks_app.models import Event, Instance, Task
from tasks_app.states import InstanceState, TaskState

STARTED = datetime(2026, 1, 8, 10, 0, 0, tzinfo=UTC)


def end(instance: str, state: InstanceState, *, seconds: float = 75, error: str = "") -> None:
    """End an instance that started at ten o'clock, ``seconds`` later."""
    with db.transaction():
        moved = Instance.objects.filter(public_id=instance).move(
            to=state,
            message=error,
            error_message=error,
            started_at=STARTED,
            finished_at=STARTED + timedelta(seconds=seconds),
        )
    assert moved


def run_task(instance: str, name: str, **changes: Any) -> None:
    """Let a task run."""
    _move(instance, name, TaskState.RUNNING, started_at=STARTED, attempts=1, **changes)


def complete_task(instance: str, name: str, *, seconds: float = 0.5) -> None:
    """Let a task run and complete after ``seconds``."""
    run_task(instance, name)
    _move(instance, name, TaskState.COMPLETED, finished_at=STARTED + timedelta(seconds=seconds))


def fail_task(instance: str, name: str, *, message: str) -> None:
    """Let a task run and fail."""
    run_task(instance, name)
    finished_at = STARTED + timedelta(seconds=1)
    _move(instance, name, TaskState.FAILED, error_kind="boom", error_message=message, finished_at=finished_at)


def say(instance: str, message: str, **more: Any) -> Event:
    """Add a line to an instance's log."""
    owner = Instance.objects.get(public_id=instance)
    return Event.objects.create(instance=owner, kind="task.log", message=message, **more)


def _move(instance: str, name: str, to: TaskState, **changes: Any) -> None:
    with db.transaction():
        moved = Task.objects.filter(instance__public_id=instance, name=name).move(to=to, **changes)
    assert moved
