"""Gates: what a ready task has to pass before a worker may claim it. Passing one is no attempt."""

from enum import StrEnum

from cpds.base import clock, db
from tasks_app.models import Task
from tasks_app.outcomes import Failed
from tasks_app.planning.templates import TemplateError, evaluate, is_true
from tasks_app.services.advance import follow_up
from tasks_app.services.claims import outputs_of
from tasks_app.states import Gate, TaskState


class Passage(StrEnum):
    """What became of a task at its gates."""

    OPEN = "open"
    """Every gate is passed: it may be claimed."""
    SKIPPED = "skipped"
    """It is not needed; what follows it may go on."""
    CLOSED = "closed"
    """It waits for something, or was not to be had under this dispatch."""


def pass_gates(*, task_id: int, dispatch_id: str) -> Passage | tuple[Gate, Failed]:
    """Lead a delivered task through its gates; return what became of it.

    A gate that cannot be judged comes back with the failure: the caller claims the
    task at that gate and reports it.
    """
    while True:
        task = _delivered(task_id, dispatch_id)
        if task is None:
            return Passage.CLOSED
        gate = Gate(task.gate)
        if gate is Gate.OPEN:
            return Passage.OPEN
        try:
            is_needed = _is_needed(task)
        except TemplateError as error:
            return gate, Failed(kind="bad_template", message=str(error))
        if not is_needed:
            return _skip(task, dispatch_id)
        Task.objects.filter(pk=task_id, dispatch_id=dispatch_id, gate=gate).update(gate=_next_gate(task))


def _delivered(task_id: int, dispatch_id: str) -> Task | None:
    found = Task.objects.filter(
        pk=task_id, dispatch_id=dispatch_id, status__in=[TaskState.PENDING, TaskState.QUEUED]
    )
    return found.in_running_instance().satisfied().select_related("instance__workflow").first()


def _is_needed(task: Task) -> bool:
    condition = task.spec["when"]
    return is_true(
        evaluate(
            condition,
            params=task.instance.params,
            outputs=outputs_of(instance_pk=task.instance_id, names=task.spec["reads"]),
            instance={"id": task.instance.public_id, "workflow": task.instance.workflow.name},
            task={"name": task.name, "attempt": task.attempts + 1},
            extra=None,
        )
    )


def _next_gate(task: Task) -> Gate:
    gates = [Gate(gate) for gate in task.spec.get("gates", [])]
    later = gates[gates.index(Gate(task.gate)) + 1 :]
    return later[0] if later else Gate.OPEN


def _skip(task: Task, dispatch_id: str) -> Passage:
    with db.transaction():
        moved = Task.objects.filter(pk=task.pk, dispatch_id=dispatch_id, gate=task.gate).move(
            to=TaskState.SKIPPED,
            message="its condition is false",
            reason="its condition is false",
            satisfies=True,
            finished_at=clock.database_now(),
        )
    if not moved:
        return Passage.CLOSED
    follow_up(instance_id=task.instance_id, task_id=task.pk, dispatch_id=dispatch_id)
    return Passage.SKIPPED
