"""What waiting tasks waited for: the ends of their items and of the instances they started."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, QuerySet

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Instance, Task
from tasks_app.outcomes import JSON, Failed
from tasks_app.planning.definition.retry_policy import retry_policy
from tasks_app.planning.engine.retrying import retry_wait
from tasks_app.planning.values.values import json_bytes
from tasks_app.services.lookup.alarm import set_alarm
from tasks_app.services.progress.child_attempts import close_attempt
from tasks_app.services.progress.consumers import take_next_batch
from tasks_app.services.progress.items import start_more_items
from tasks_app.states import INSTANCE_FINAL, TASK_UNFINISHED, InstanceState, TaskState, WaitKind


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The tasks whose wait ended, those among them that failed, and those that wait for another try."""

    ended: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)


@db.transaction_required
def settle_waits(*, instance_id: int, waiting: Collection[int] | None) -> Settled:
    """End the waits that are over, and start the items that have a place now.

    ``waiting``: the waiting tasks to look at (None: all of the instance). The
    caller holds the instance's lock, has seen that it runs, and pumps after its
    commit.
    """
    settled = Settled()
    if waiting is not None and not waiting:
        return settled
    for task in _waiting(instance_id, WaitKind.WORKFLOW, waiting):
        _settle_workflow(task, settled)
    if waiting is not None and settled.ended:
        # An item may itself have started an instance: its end is news for its list.
        parents = Task.objects.filter(items__in=settled.ended).values_list("pk", flat=True)
        waiting = {*waiting, *parents}
    for task in _waiting(instance_id, WaitKind.ITEMS, waiting):
        _settle_items(task, settled)
    for task in _waiting(instance_id, WaitKind.BATCHES, waiting):
        _settle_consumer(task, settled)
    return settled


def _waiting(instance_id: int, kind: WaitKind, keys: Collection[int] | None) -> "QuerySet[Task]":
    tasks = Task.objects.filter(instance_id=instance_id, status=TaskState.WAITING, wait_kind=kind)
    return (tasks if keys is None else tasks.filter(pk__in=keys)).order_by("pk")


def _settle_items(parent: Task, settled: Settled) -> None:
    items = Task.objects.filter(parent=parent)
    if items.filter(status__in=sorted(TASK_UNFINISHED)).exists():
        start_more_items(parent)
        return
    bad = items.filter(satisfies=False)
    failed = bad.filter(status=TaskState.FAILED).order_by("item_index").first()
    if failed is not None:
        count = bad.filter(status=TaskState.FAILED).count()
        others = f" ({count} items failed)" if count > 1 else ""
        _fail(parent, "item_failed", f"{failed.name} failed{others}: {failed.error_message}", settled)
    elif (skipped := bad.order_by("item_index").first()) is not None:
        _skip(parent, f"not all its items were started; {skipped.name}: {skipped.reason}", settled)
    else:
        rows = items.order_by("item_index").values_list("status", "output")
        _complete(
            parent,
            [output if status == TaskState.COMPLETED else None for status, output in rows],
            settled,
        )


def _settle_consumer(task: Task, settled: Settled) -> None:
    end = take_next_batch(task)
    if end is None:
        return
    if end.state is TaskState.FAILED:
        _fail(task, end.kind, end.message, settled)
    else:
        _end(task, end.state, end.message, {}, settled, reason=end.message, output=end.output)


def _settle_workflow(task: Task, settled: Settled) -> None:
    child = Instance.objects.filter(parent_task=task).order_by("-pk").first()
    if child is None:
        _fail(task, "child_failed", "The instance it started is gone.", settled)
    elif child.status == InstanceState.COMPLETED:
        sinks = Task.objects.filter(instance=child, fan_out=0, parent__isnull=True)
        _complete(task, dict(sinks.order_by("position").values_list("name", "output")), settled)
    elif child.status in INSTANCE_FINAL:
        why = f": {child.error_message}" if child.error_message else ""
        message = f"Its instance {child.public_id} ended as {child.status}{why}"
        seconds = _wait_for_another_child(task, child, message)
        if seconds is None:
            _fail(task, "child_failed", message, settled, child=child.public_id, became=child.status)
        else:
            _try_again(task, child, message, seconds, settled)


def _wait_for_another_child(task: Task, child: Instance, message: str) -> float | None:
    is_overdue = Task.objects.filter(pk=task.pk, wake_at__lte=clock.database_now()).exists()
    # What a person cancelled is not brought back by a policy.
    can_help = child.status != InstanceState.CANCELLED or is_overdue
    return retry_wait(
        policy=retry_policy(task.spec),
        failed=Failed(kind="child_failed", message=message, retryable=can_help),
        failures=task.failures + 1,
        chance=secrets.randbelow(1000) / 1000,
    )


def _try_again(task: Task, child: Instance, message: str, seconds: float, settled: Settled) -> None:
    facts: dict[str, JSON] = {"child": child.public_id, "became": child.status}
    close_attempt(
        task=task,
        to=TaskState.FAILED,
        kind="child_failed",
        message=message,
        detail=facts,
    )
    waiting = Task.objects.filter(pk=task.pk)
    waiting.filter(status=TaskState.WAITING).move(to=TaskState.PENDING, message="its instance failed")
    waiting.move(
        to=TaskState.WAITING,
        message=message,
        data={"kind": "child_failed", "child": child.public_id, "seconds": round(seconds, 3)},
        wait_kind=WaitKind.RETRY,
        wake_at=clock.database_now_plus(seconds),
        reason=message,
        error_kind="child_failed",
        error_message=message,
        failures=F("failures") + 1,
    )
    settled.again.append(task.pk)
    db.run_when_committed(set_alarm)


def _complete(task: Task, output: JSON, settled: Settled) -> None:
    size = json_bytes(output)
    limit = conf().output_bytes
    if size > limit:
        message = (
            f"The results together have {size} bytes; at most {limit} are stored. "
            "Keep them in files and return their places."
        )
        _fail(task, "output_too_large", message, settled)
        return
    _end(task, TaskState.COMPLETED, "", {}, settled, output=output)


def _fail(task: Task, kind: str, message: str, settled: Settled, **facts: JSON) -> None:
    _end(
        task,
        TaskState.FAILED,
        message,
        {"kind": kind, **facts},
        settled,
        error_kind=kind,
        error_message=message,
    )
    settled.failed.append(task.pk)


def _skip(task: Task, reason: str, settled: Settled) -> None:
    _end(task, TaskState.SKIPPED, reason, {}, settled, reason=reason)


def _end(
    task: Task, to: TaskState, message: str, data: dict[str, JSON], settled: Settled, **changes: Any
) -> None:
    now = clock.database_now()
    ended = {"reason": "", "wait_kind": "", "wake_at": None, "finished_at": now, **changes}
    if task.wait_kind == WaitKind.WORKFLOW:
        error_kind = changes.get("error_kind", "")
        close_attempt(
            task=task,
            to=to,
            output=changes.get("output"),
            kind=error_kind,
            message=message,
            detail={name: fact for name, fact in data.items() if name != "kind"},
        )
    Task.objects.filter(pk=task.pk, status=TaskState.WAITING).move(to=to, message=message, data=data, **ended)
    settled.ended.append(task.pk)
