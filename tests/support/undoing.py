"""Compensation in tests: tasks that say how they are undone, and workers that do as a test says."""

from collections.abc import Callable, Mapping
from typing import Any

from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, Instance, Task
from tasks_app.outcomes import Completed, Failed, Outcome
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.states import INSTANCE_FINAL, TaskState
from tests.support.builders import a_task
from tests.support.doorbell import Doorbell
from tests.support.driving import WORKER, let_time_pass, output_of, sweep_now
from tests.support.engine import state_of

Act = Callable[[Claim], Outcome]
ROUNDS = 200


def undoable(name: str, *, also: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a task that is undone by ``noop``."""
    return a_task(name, also={"compensate": {"run": "noop"}, **(also or {})}, **more)


def failing(*names: str) -> Act:
    """Return workers in whose hands the tasks of these names fail and all others complete."""

    def act(claim: Claim) -> Outcome:
        if claim.name in names:
            return Failed(kind="exception", message=f"{claim.name} broke")
        return Completed(output=output_of(claim))

    return act


def ring(doorbell: Doorbell, act: Act, *, until: Callable[[], bool] = lambda: False) -> None:
    """Deliver what is out, and what follows it, each to a worker that does ``act``."""
    while (messages := doorbell.take()) and not until():
        for message in messages:
            try:
                held = claim_task(task_id=message.task_id, dispatch_id=message.dispatch_id, worker=WORKER)
                goes_on = report_outcome(claim=held, outcome=act(held))
            except StaleDispatch:
                continue
            if goes_on:
                doorbell.completed(message)


def drive(instance: Instance, doorbell: Doorbell, act: Act) -> Instance:
    """Deliver and sweep, time passing in between, until the instance has ended."""
    for _ in range(ROUNDS):
        ring(doorbell, act)
        instance.refresh_from_db()
        if instance.status in INSTANCE_FINAL:
            return instance
        let_time_pass()
        sweep_now()
    raise AssertionError(f"{instance} did not end: {state_of(instance)}")


def completion_order(instance: Instance) -> list[str]:
    """Return the names of the instance's own tasks in the order of their first completion, by the ledger."""
    events = Event.objects.filter(
        instance=instance, kind="task.completed", task__compensates__isnull=True
    ).order_by("id")
    return list(dict.fromkeys(events.values_list("task__name", flat=True)))


def undo_order(instance: Instance) -> list[str]:
    """Return the names of what was undone, in the order in which it was."""
    events = Event.objects.filter(
        instance=instance, kind="task.completed", task__compensates__isnull=False
    ).order_by("id")
    return list(events.values_list("task__compensates__name", flat=True))


def names_in(instance: Instance, status: TaskState, *, undo: bool = False) -> set[str]:
    """Return the names of the instance's own tasks in a state; with ``undo``, of its undos."""
    rows = Task.objects.filter(instance=instance, status=status, compensates__isnull=not undo)
    return set(rows.values_list("name", flat=True))
