"""Gates: what a ready task has to pass before a worker may claim it. Passing one is no attempt.

A task that has to wait at a gate is handed back with its dispatch: what was
planned to follow it in the same canvas is released, and the message is over.
"""

from enum import StrEnum
from typing import Any, Literal

from django.db.models import F, Subquery

from cpds.base import clock, db
from cpds.base.errors import CPDSError
from tasks_app.errors import StaleDispatch
from tasks_app.models import Checkpoint, Instance, Task
from tasks_app.outcomes import JSON, Failed
from tasks_app.planning.source.problems import described
from tasks_app.planning.templates.rendering import TemplateError, evaluate, is_true, render
from tasks_app.planning.values.item_limits import MAX_ITEMS
from tasks_app.planning.values.stored_spec import gate_after
from tasks_app.services.attempts.inputs import foreign_outputs, outputs_of
from tasks_app.services.attempts.template_context import roots_of
from tasks_app.services.gates.children import prepare_child, start_child
from tasks_app.services.progress.advance import advance, follow_up
from tasks_app.services.progress.batches import batch_output
from tasks_app.services.progress.checkpoints import open_checkpoint
from tasks_app.services.progress.child_attempts import open_attempt
from tasks_app.services.progress.consumers import REASON
from tasks_app.services.progress.items import create_items
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import EXTERNAL, Gate, InstanceState, TaskState, WaitKind


class GateResult(StrEnum):
    """What became of a task at its gates."""

    OPEN = "open"
    """Every gate is passed: it may be claimed."""
    SKIPPED = "skipped"
    """It is not needed; what follows it may go on."""
    CLOSED = "closed"
    """It waits for something, or was not to be had under this dispatch."""


def evaluate_gates(*, task_id: int, dispatch_id: str) -> GateResult | tuple[Gate, Failed]:
    """Lead a delivered task through its gates; return what became of it.

    A gate that cannot be judged comes back with the failure: the caller claims the
    task at that gate and reports it.
    """
    while True:
        task = _delivered(task_id, dispatch_id)
        if task is None:
            return GateResult.CLOSED
        gate = Gate(task.gate)
        if gate is Gate.OPEN:
            return _offer(task, dispatch_id) if task.executor == EXTERNAL else GateResult.OPEN
        try:
            passage = _pass(task, dispatch_id, gate)
        except TemplateError as error:
            return gate, Failed(kind="bad_template", message=str(error))
        except StaleDispatch:
            return GateResult.CLOSED
        except CPDSError as error:
            return gate, Failed(kind=error.code, message=str(error))
        if passage is not GateResult.OPEN:
            return passage if isinstance(passage, GateResult) else (gate, passage)


def _pass(task: Task, dispatch_id: str, gate: Gate) -> GateResult | Failed:
    """Judge one gate; OPEN: it is behind the task now.

    :raises TemplateError: when what it says cannot be computed.
    :raises StaleDispatch: when the task was taken away meanwhile.
    :raises CPDSError: when what it asks for is not to be had.
    """
    match gate:
        case Gate.APPROVAL:
            return _ask(task, dispatch_id)
        case Gate.ITEMS:
            return _open_list(task, dispatch_id)
        case Gate.BATCHES:
            return _consume(task, dispatch_id)
        case Gate.WORKFLOW:
            return _start_workflow(task, dispatch_id)
        case _:
            if not is_true(_evaluated(task, "when")):
                return _skip(task, dispatch_id)
    passed = Task.objects.filter(pk=task.pk, dispatch_id=dispatch_id, gate=gate)
    passed.update(gate=gate_after(spec=task.spec, gate=task.gate))
    return GateResult.OPEN


def _delivered(task_id: int, dispatch_id: str) -> Task | None:
    found = Task.objects.filter(
        pk=task_id, dispatch_id=dispatch_id, status__in=[TaskState.PENDING, TaskState.QUEUED]
    )
    return found.in_running_instance().satisfied().select_related("instance__workflow").first()


def _offer(task: Task, dispatch_id: str) -> GateResult:
    """Hand a task that has passed its gates on to the workers that speak HTTP."""
    with db.transaction():
        Instance.objects.locked(task.instance_id)
        out = Task.objects.filter(pk=task.pk, dispatch_id=dispatch_id, gate=Gate.OPEN)
        offered: dict[str, Any] = {"dispatch_id": None, "ready_at": clock.database_now()}
        if not out.filter(status=TaskState.PENDING).update(**offered):
            out.filter(status=TaskState.QUEUED).move(to=TaskState.PENDING, message="offered", **offered)
        release_followers(instance_id=task.instance_id, dispatch_ids=[dispatch_id])
    pump()
    return GateResult.CLOSED


def _known(task: Task) -> dict[str, Any]:
    """Return everything the templates of a task may name."""
    return {
        "params": task.instance.params,
        "outputs": {
            **outputs_of(instance_pk=task.instance_id, names=task.spec["reads"]),
            **foreign_outputs(task.spec.get("foreign", {})),
            **batch_output(task.spec),
        },
        "instance": {"id": task.instance.public_id, "workflow": task.instance.workflow_name},
        "task": {"name": task.name, "attempt": task.attempts + 1},
        "extra": roots_of(task_id=task.pk, parent_id=task.parent_id, spec=task.spec),
    }


def _evaluated(task: Task, key: Literal["when", "for_each"]) -> JSON:
    return evaluate(task.spec[key], **_known(task), field=key)


def _skip(task: Task, dispatch_id: str) -> GateResult:
    with db.transaction():
        moved = Task.objects.filter(pk=task.pk, dispatch_id=dispatch_id, gate=task.gate).move(
            to=TaskState.SKIPPED,
            message="its condition is false",
            reason="its condition is false",
            satisfies=True,
            finished_at=clock.database_now(),
        )
    if not moved:
        return GateResult.CLOSED
    follow_up(instance_id=task.instance_id, task_id=task.pk, dispatch_id=dispatch_id)
    return GateResult.SKIPPED


def _ask(task: Task, dispatch_id: str) -> GateResult:
    approval = task.spec["approval"]
    allowed = approval.get("by", [])
    with db.transaction():
        _lock_instance_of(task, dispatch_id)
        checkpoint = open_checkpoint(task=task, approval=approval)
        _wait(
            task,
            dispatch_id,
            WaitKind.APPROVAL,
            reason=f"waits for approval by {', '.join(allowed) or 'anyone'}",
            data={"checkpoint": checkpoint.number, "by": allowed},
            wake_at=Subquery(Checkpoint.objects.filter(pk=checkpoint.pk).values("expires_at")),
        )
    pump()
    return GateResult.CLOSED


def _open_list(task: Task, dispatch_id: str) -> GateResult | Failed:
    # A list that was opened before an instance was cancelled or failed goes on with the items it had.
    opened = Task.objects.filter(parent=task).count()
    items = [] if opened else _evaluated(task, "for_each")
    if not isinstance(items, list):
        return Failed(kind="bad_input", message=f"for_each needs a list, found {described(items)}.")
    if len(items) > MAX_ITEMS:
        message = f"for_each takes at most {MAX_ITEMS:,} items, found {len(items):,}."
        return Failed(kind="bad_input", message=message)
    count = opened or len(items)
    with db.transaction():
        _lock_instance_of(task, dispatch_id)
        reason = f"waits for its {count:,} items"
        _wait(task, dispatch_id, WaitKind.ITEMS, reason=reason, data={"items": count})
        create_items(parent=task, items=items)
    # Starts the first items, and ends a list that has none left to do.
    advance(instance_id=task.instance_id, after=[], waiting=[task.pk])
    return GateResult.CLOSED


def _consume(task: Task, dispatch_id: str) -> GateResult:
    with db.transaction():
        _lock_instance_of(task, dispatch_id)
        reason = REASON.format(stream=task.spec["stream"])
        _wait(task, dispatch_id, WaitKind.BATCHES, reason=reason, data={})
    # Takes the first batch, or ends what has none.
    advance(instance_id=task.instance_id, after=[], waiting=[task.pk])
    pump()
    return GateResult.CLOSED


def _start_workflow(task: Task, dispatch_id: str) -> GateResult:
    wanted = prepare_child(task=task, given=render(task.spec["with"], **_known(task)))
    timeout = task.timeout_seconds
    with db.transaction():
        wanted.hold()
        _lock_instance_of(task, dispatch_id)
        child = start_child(task=task, wanted=wanted)
        _wait(
            task,
            dispatch_id,
            WaitKind.WORKFLOW,
            reason=f"waits for its instance {child.public_id}",
            data={"child": child.public_id},
            wake_at=None if timeout is None else clock.database_now_plus(timeout),
            attempts=F("attempts") + 1,
            started_at=clock.database_now(),
        )
        open_attempt(task=task, dispatch_id=dispatch_id, child=child)
    # Publishes what the child starts with, or goes on at once where an earlier child has ended already.
    advance(instance_id=task.instance_id, after=[], waiting=[task.pk])
    return GateResult.CLOSED


def _lock_instance_of(task: Task, dispatch_id: str) -> None:
    instance = Instance.objects.locked(task.instance_id)
    if instance is None or instance.status != InstanceState.RUNNING:
        raise StaleDispatch(task_id=task.pk, dispatch_id=dispatch_id)


@db.transaction_required
def _wait(
    task: Task,
    dispatch_id: str,
    kind: WaitKind,
    *,
    reason: str,
    data: dict[str, JSON],
    wake_at: Any = None,
    **changes: Any,
) -> None:
    moved = Task.objects.filter(pk=task.pk, dispatch_id=dispatch_id, gate=task.gate).move(
        to=TaskState.WAITING,
        message=reason,
        data={"kind": str(kind), **data},
        wait_kind=kind,
        wake_at=wake_at,
        reason=reason,
        dispatch_id=None,
        **changes,
    )
    if not moved:
        raise StaleDispatch(task_id=task.pk, dispatch_id=dispatch_id)
    release_followers(instance_id=task.instance_id, dispatch_ids=[dispatch_id])
