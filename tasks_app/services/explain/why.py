"""Why is it waiting? The ordered list of what holds a task or an instance, and until when.

API, CLI and admin show what this says; nobody else judges. It reads and never writes.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from django.db.models import Q

from tasks_app.models import Instance, Task
from tasks_app.services.explain.capacity import holds_of_ready, lacking_workers
from tasks_app.services.explain.holds import Hold, HoldKind
from tasks_app.services.explain.instance_holds import holds_of_instance
from tasks_app.services.explain.snapshot import Need, WaitSnapshot, read_snapshot
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.states import (
    INSTANCE_FINAL,
    TASK_FINAL,
    TASK_UNFINISHED,
    InstanceState,
    JoinMode,
    TaskState,
    WaitKind,
)

SHOWN_NEEDS: Final = 20
SHOWN_TASKS: Final = 200


def why_waiting(task: Task) -> list[Hold]:
    """Return what holds a task, what must give way first coming first; nothing for one that is over.

    Of a task that runs it says who runs it, and since when.
    """
    return why_many([task])[task.pk]


def why_many(tasks: Sequence[Task]) -> dict[int, list[Hold]]:
    """Return what holds each of these tasks, by key; many cost as many statements as one."""
    open_tasks = [task for task in tasks if task.status not in TASK_FINAL]
    if not open_tasks:
        return {task.pk: [] for task in tasks}
    snapshot = read_snapshot(tasks=open_tasks)
    holds = {task.pk: list(_holds(task, snapshot)) for task in open_tasks}
    return {task.pk: holds.get(task.pk, []) for task in tasks}


def why_instance(
    *, given: str, limit: int = SHOWN_TASKS
) -> tuple[Instance, list[Hold], list[tuple[Task, list[Hold]]]]:
    """Return an instance, what holds it as a whole, and what holds each of its foremost unfinished tasks.

    Foremost are those that do not merely wait for another task; if there are
    none, those that come first in the definition.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    instance = find_instance(given=given)
    if instance.status in INSTANCE_FINAL:
        return instance, [], []
    foremost = _foremost(instance, limit)
    holds = why_many(foremost)
    as_a_whole = list(
        holds_of_instance(instance=instance, snapshot=read_snapshot(tasks=(), instances=[instance]))
    )
    if not foremost and not as_a_whole:
        as_a_whole = [
            Hold(
                kind=HoldKind.PLANNING, sentence="all its tasks are over; the next sweep brings it to its end"
            )
        ]
    return instance, as_a_whole, [(task, holds[task.pk]) for task in foremost]


def _foremost(instance: Instance, limit: int) -> list[Task]:
    unfinished = (
        Task.objects.filter(instance=instance, status__in=sorted(TASK_UNFINISHED))
        .select_related("instance__version")
        .order_by("position", "pk")
    )
    not_ready = Q(status=TaskState.PENDING, ready_at__isnull=True)
    # What is to be undone waits for the tasks that undo it, and those are told of.
    told = unfinished.exclude(not_ready | Q(status=TaskState.COMPENSATING))
    found = [*told[:limit], *unfinished.filter(not_ready).satisfied()[:limit]]
    found.sort(key=lambda task: (task.position, task.pk))
    return found[:limit] or list(unfinished[:limit])


def _holds(task: Task, snapshot: WaitSnapshot) -> Iterator[Hold]:
    if task.status == TaskState.RUNNING:
        yield _running(task)
        return
    if task.compensates_id is None or task.instance.status != InstanceState.COMPENSATING:
        yield from holds_of_instance(instance=task.instance, snapshot=snapshot)
    elif snapshot.stopping.get(task.instance_id):
        yield Hold(
            kind=HoldKind.STOPPING,
            sentence="an attempt that was told to stop may still run, and nothing is undone beside it",
            until=snapshot.stopping[task.instance_id],
        )
    match task.status:
        case TaskState.WAITING:
            yield _waiting(task, snapshot)
        case TaskState.COMPENSATING:
            yield Hold(kind=HoldKind.COMPENSATION, sentence="it completed and waits to be undone in its turn")
        case TaskState.QUEUED:
            yield Hold(
                kind=HoldKind.MESSAGE_OUT,
                sentence="its message is out; the next free worker takes it",
                since=task.published_at,
            )
            yield from lacking_workers(task=task, snapshot=snapshot)
        case _:
            yield from _pending(task, snapshot)


def _running(task: Task) -> Hold:
    limit = task.timeout_seconds
    ends = task.started_at + timedelta(seconds=limit) if task.started_at and limit is not None else None
    return Hold(
        kind=HoldKind.RUNNING,
        sentence=f"{task.worker or 'a worker'} runs it (attempt {task.attempts})",
        since=task.started_at,
        until=ends,
    )


def _waiting(task: Task, snapshot: WaitSnapshot) -> Hold:
    kinds: dict[str, tuple[HoldKind, str]] = {
        WaitKind.RETRY: (HoldKind.RETRY_TIMER, "it is tried again later"),
        WaitKind.APPROVAL: (HoldKind.APPROVAL, _approval(task)),
        WaitKind.ITEMS: (HoldKind.ITEMS, _items(task, snapshot)),
        WaitKind.BATCHES: (HoldKind.ITEMS, "it takes each batch in turn"),
        WaitKind.WORKFLOW: (HoldKind.CHILD_WORKFLOW, "the workflow it started is not over"),
    }
    kind, sentence = kinds.get(task.wait_kind, (HoldKind.RETRY_TIMER, "it waits for its time"))
    return Hold(
        kind=kind,
        sentence=f"{sentence}: {task.reason}" if task.reason else sentence,
        since=snapshot.waiting_since.get(task.pk),
        until=task.wake_at,
    )


def _items(task: Task, snapshot: WaitSnapshot) -> str:
    over, total = snapshot.items.get(task.pk, (0, 0))
    return f"{over:,} of {total:,} items are over" if total else "its items are not all over"


def _approval(task: Task) -> str:
    people = ", ".join(task.spec.get("approval", {}).get("by", ()))
    return f"{people or 'somebody'} has to approve it"


def _pending(task: Task, snapshot: WaitSnapshot) -> Iterator[Hold]:
    unmet = _unmet(task, snapshot.needs.get(task.pk, []))
    if unmet:
        yield from unmet
    elif task.dispatch_id is not None:
        yield Hold(
            kind=HoldKind.MESSAGE_OUT,
            sentence="its message follows those of the tasks it needs",
            since=task.published_at,
        )
        yield from lacking_workers(task=task, snapshot=snapshot)
    elif task.ready_at is None:
        if task.instance.status == InstanceState.RUNNING:
            yield Hold(
                kind=HoldKind.PLANNING, sentence="it has all it needs and is planned by the next sweep"
            )
    else:
        yield from holds_of_ready(task=task, snapshot=snapshot)


def _unmet(task: Task, needs: Sequence[Need]) -> list[Hold]:
    open_needs = [need for need in needs if need.satisfies is None]
    good = sum(need.satisfies is True for need in needs)
    match task.join:
        case JoinMode.ALL:
            missing, wanted = [need for need in needs if not need.satisfies], ""
        case JoinMode.ANY:
            missing, wanted = ([] if good else open_needs or list(needs)), "one of those it needs"
        case JoinMode.ALL_DONE:
            missing, wanted = open_needs, ""
        case _:
            least = task.join_count or 1
            missing = [] if good >= least else open_needs or list(needs)
            wanted = f"{least} of those it needs, of which {good} can be counted"
    note = f" (it needs {wanted})" if wanted else ""
    holds = [_dependency(need, note) for need in missing[:SHOWN_NEEDS]]
    if len(missing) > SHOWN_NEEDS:
        more = len(missing) - SHOWN_NEEDS
        holds.append(
            Hold(kind=HoldKind.DEPENDENCY, sentence=f"it needs {more:,} more tasks that are not over")
        )
    return holds


def _dependency(need: Need, note: str) -> Hold:
    return Hold(
        kind=HoldKind.DEPENDENCY,
        sentence=f"it needs {need.name}, which is {need.status}{note}",
        since=need.since,
    )
