"""Prune: delete ended instances with their history, in pieces that lock no table.

An instance is marked first, under its lock, and then deleted from its events to
itself, each piece in a short transaction. Nothing brings a marked one back. If a
process dies in between, whoever prunes next finishes it.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, StreamBatch, Task
from tasks_app.services.audit_log import keep_audit
from tasks_app.services.foreign import dependants_elsewhere, has_unfinished_dependants
from tasks_app.services.lookup import find_workflow
from tasks_app.services.workspaces import remove_workspaces
from tasks_app.states import INSTANCE_FINAL, InstanceState

ROWS_AT_ONCE: Final = 1_000
TASKS_AT_ONCE: Final = 200
BATCHES_AT_ONCE: Final = 100
"""A task's row may carry megabytes of output."""
TASKS_IN_A_SWEEP: Final = 2_000
INSTANCES_IN_A_SWEEP: Final = 200
DAY_SECONDS: Final = 86_400.0


def prunable_instances(
    *, older_than_seconds: float, states: Collection[InstanceState] = (), workflow: str | None = None
) -> list[str]:
    """Return the ids of the instances that ended longer ago than that, oldest end first.

    Never one that is unfinished, nor the origin of an unfinished rerun, nor one
    that an unfinished instance started, nor one that tasks of other instances need
    and have not completed. What an
    interrupted pruning left behind comes first, whatever was asked for.

    :raises NotFound: when the workflow named does not exist.
    """
    rows = _ended(older_than_seconds)
    if states:
        rows = rows.filter(status__in=sorted(states))
    if workflow is not None:
        rows = rows.filter(workflow=find_workflow(given=workflow))
    return [*_left_behind(), *rows.values_list("public_id", flat=True)]


def prune_instances(*, instances: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Delete these instances one by one; yield the id of each and whether it is gone.

    One that was retried meanwhile, or got a rerun that is unfinished, stays; so
    does one whose parent goes on.
    """
    for public_id in instances:
        yield public_id, _prune(public_id)


def prune_due() -> int:
    """Delete what is older than the setting ``prune_after_days`` says, a little at a time; return how many.

    With 0, the default, nothing is ever deleted by itself.
    """
    days = conf().prune_after_days
    if days <= 0:
        return 0
    due = list(_left_behind()) + list(
        _ended(days * DAY_SECONDS).values_list("public_id", flat=True)[:INSTANCES_IN_A_SWEEP]
    )
    sizes = dict(Instance.objects.filter(public_id__in=due).values_list("public_id", "task_count"))
    pruned = tasks = 0
    for public_id in due:
        if tasks >= TASKS_IN_A_SWEEP:
            break
        tasks += sizes.get(public_id, 0)
        pruned += _prune(public_id)
    return pruned


def _ended(older_than_seconds: float) -> "QuerySet[Instance]":
    rows: QuerySet[Instance] = Instance.objects.filter(
        status__in=sorted(INSTANCE_FINAL),
        finished_at__lt=clock.database_now_plus(-older_than_seconds),
        is_pruning=False,
    )
    has_parent = Instance.objects.unfinished().filter(tasks=OuterRef("parent_task"))
    awaited = dependants_elsewhere(needed__instance_id=OuterRef("pk"))
    return rows.filter(
        ~Exists(_unfinished_reruns(OuterRef("pk"))),
        ~Exists(has_parent),
        Q(is_awaited=False) | ~Exists(awaited),
    ).order_by("finished_at", "pk")


def _unfinished_reruns(origin: Any) -> "QuerySet[Instance]":
    rows: QuerySet[Instance] = Instance.objects.unfinished().filter(origin=origin)
    return rows


def _left_behind() -> "QuerySet[Instance, str]":
    rows: QuerySet[Instance] = Instance.objects.filter(is_pruning=True).order_by("pk")
    return rows.values_list("public_id", flat=True)


def _prune(public_id: str) -> bool:
    key = Instance.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if key is None:
        return True
    if not _mark(key):
        return False
    keep_audit(instances=[key])
    events = Event.objects.filter(instance_id=key)
    _delete_in_pieces(events, Event.objects.all(), ROWS_AT_ONCE)
    tasks = Task.objects.filter(instance_id=key)
    while tried := dict(tasks.values_list("pk", "attempts")[:TASKS_AT_ONCE]):
        keys = list(tried)
        remove_workspaces(instance_id=public_id, attempts=tried.items())
        of_tasks = Q(task_id__in=keys)
        _delete_in_pieces(
            ExecutionRecord.objects.filter(of_tasks), ExecutionRecord.objects.all(), ROWS_AT_ONCE
        )
        _delete_in_pieces(StreamBatch.objects.filter(of_tasks), StreamBatch.objects.all(), BATCHES_AT_ONCE)
        edges = Dependency.objects.filter(of_tasks | Q(needed_id__in=keys))
        _delete_in_pieces(edges, Dependency.objects.all(), ROWS_AT_ONCE)
        with db.transaction():
            # Only the keys: the rows would bring their outputs along.
            Task.objects.filter(pk__in=keys).only("pk").delete()
    with db.transaction():
        Instance.objects.filter(pk=key).only("pk").delete()
    return True


def _mark(key: int) -> bool:
    with db.transaction():
        instance = Instance.objects.locked(key)
        if instance is None or instance.is_pruning:
            return True
        if instance.status not in INSTANCE_FINAL or _unfinished_reruns(key).exists():
            return False
        if Instance.objects.unfinished().filter(tasks__children=key).exists():
            return False
        if instance.is_awaited and has_unfinished_dependants(instance_id=key):
            return False
        Instance.objects.filter(pk=key).update(is_pruning=True)
    return True


def _delete_in_pieces(rows: "QuerySet[Any]", table: "QuerySet[Any]", size: int) -> None:
    while keys := list(rows.values_list("pk", flat=True)[:size]):
        with db.transaction():
            table.filter(pk__in=keys).delete()
