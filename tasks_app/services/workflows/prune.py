"""Prune: delete ended instances with their history, in pieces that lock no table.

An instance goes with all that its tasks started, those first, or not at all.
Each is marked first, under its lock, and then deleted from its events to
itself, each piece in a short transaction. Nothing brings a marked one back. If a
process dies in between, whoever prunes next finishes it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, StreamBatch, Task
from tasks_app.services.access.audit_log import keep_audit
from tasks_app.services.attempts.workspaces import remove_workspaces
from tasks_app.services.lookup import instance_tree
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.services.progress.foreign import dependants_elsewhere
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
    and have not completed, nor one that started any such. Those that it started are
    with it, of whatever workflow and state, and before it. What an
    interrupted pruning left behind comes first, whatever was asked for.

    :raises NotFound: when the workflow named does not exist.
    """
    rows = _ended(older_than_seconds)
    if states:
        rows = rows.filter(status__in=sorted(states))
    if workflow is not None:
        rows = rows.filter(workflow=find_workflow(given=workflow))
    chosen = [*_left_behind(), *rows.values_list("pk", flat=True)]
    members = dict.fromkeys(key for family in _whole(chosen).values() for key in family)
    names: dict[int, str] = {}
    for piece in instance_tree.in_pieces(keys=list(members)):
        names |= Instance.objects.filter(pk__in=piece).values_list("pk", "public_id")
    return [names[key] for key in members if key in names]


def prune_instances(instances: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Delete these instances, each with what it started; yield the id of each and whether it is gone.

    One that was retried meanwhile, or got a rerun that is unfinished, stays; so
    does one whose parent goes on, and one that started any that stays.
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
    ended = _ended(days * DAY_SECONDS).values_list("pk", flat=True)
    due = [*_left_behind(), *ended[:INSTANCES_IN_A_SWEEP]]
    pruned = tasks = 0
    for family in _whole(due).values():
        for key in family:
            if tasks >= TASKS_IN_A_SWEEP:
                return pruned
            size = Instance.objects.filter(pk=key).values_list("task_count", flat=True).first()
            tasks += size or 0
            # One that is gone already went with another.
            if size is not None and not _delete(key):
                break
            pruned += size is not None
    return pruned


def _ended(older_than_seconds: float) -> "QuerySet[Instance]":
    rows: QuerySet[Instance] = Instance.objects.filter(
        status__in=sorted(INSTANCE_FINAL),
        finished_at__lt=clock.database_now_plus(-older_than_seconds),
        is_pruning=False,
    )
    children = Instance.objects.filter(parent_task__instance=OuterRef("pk"))
    # Those further down are asked about when it is its turn.
    return rows.filter(_may_go(), ~Exists(children.exclude(_may_go()))).order_by("finished_at", "pk")


def _may_go() -> Q:
    """Which instances nothing outside needs any more, but perhaps what they started."""
    has_parent = Instance.objects.unfinished().filter(tasks=OuterRef("parent_task"))
    awaited = dependants_elsewhere(needed__instance_id=OuterRef("pk"))
    is_free = Q(
        ~Exists(_unfinished_reruns(OuterRef("pk"))),
        ~Exists(has_parent),
        Q(is_awaited=False) | Q(~Exists(awaited)),
        status__in=sorted(INSTANCE_FINAL),
    )
    return Q(is_pruning=True) | is_free


def _whole(roots: Sequence[int]) -> dict[int, list[int]]:
    """Return the families of those of these instances that may go with all they started."""
    families = instance_tree.families(roots=roots)
    free: set[int] = set()
    for piece in instance_tree.in_pieces(
        keys=sorted({key for family in families.values() for key in family})
    ):
        free.update(Instance.objects.filter(_may_go(), pk__in=piece).values_list("pk", flat=True))
    return {root: family for root, family in families.items() if free.issuperset(family)}


def _unfinished_reruns(origin: Any) -> "QuerySet[Instance]":
    rows: QuerySet[Instance] = Instance.objects.unfinished().filter(origin=origin)
    return rows


def _left_behind() -> list[int]:
    # Children before their parents: they were created later.
    return list(Instance.objects.filter(is_pruning=True).order_by("-pk").values_list("pk", flat=True))


def _prune(public_id: str) -> bool:
    key = Instance.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if key is None:
        return True
    family = _whole([key]).get(key)
    return family is not None and all(_delete(each) for each in family)


def _delete(key: int) -> bool:
    """Delete one instance that has no children, unless it may not go; return whether it is gone."""
    instance = Instance.objects.filter(pk=key).first()
    if instance is None:
        return True
    if not _mark(key):
        return False
    keep_audit([key])
    events = Event.objects.filter(instance_id=key)
    _delete_in_pieces(events, Event.objects.all(), ROWS_AT_ONCE)
    tried = dict(Task.objects.filter(instance_id=key).values_list("pk", "attempts"))
    # Items and undos before what they are of, which would take all of them along at once.
    latest_first = sorted(tried, reverse=True)
    for start in range(0, len(tried), TASKS_AT_ONCE):
        keys = latest_first[start : start + TASKS_AT_ONCE]
        remove_workspaces(instance_id=instance.public_id, attempts=[(each, tried[each]) for each in keys])
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
        if instance is None:
            return True
        if Instance.objects.filter(parent_task__instance_id=key).exists():
            return False
        return bool(Instance.objects.filter(_may_go(), pk=key).update(is_pruning=True))


def _delete_in_pieces(rows: "QuerySet[Any]", table: "QuerySet[Any]", size: int) -> None:
    while keys := list(rows.values_list("pk", flat=True)[:size]):
        with db.transaction():
            table.filter(pk__in=keys).delete()
