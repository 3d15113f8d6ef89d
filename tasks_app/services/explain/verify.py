"""The history checker: what the ledger and the records prove about instances.

It reads; it repairs nothing. Instances are read in batches and their events as a
stream, so that memory does not grow with the history. The order of events is
that of their ids: a task's row lock, or its instance's, is held from the move to
the event, and whoever relies on a move has seen it committed.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

from django.db.models import Count, F, Max, Q, QuerySet

from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tasks_app.planning.engine.history import Elsewhere, History, Line, Subject, Violation, check_history
from tasks_app.services.explain.why import why_instance
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.states import INSTANCE_FINAL, InstanceState, JoinMode, TaskState

INSTANCES_AT_ONCE: Final = 200
TASKS_AT_ONCE: Final = 20_000
EVENTS_AT_ONCE: Final = 5_000
LOOKS: Final = 4
"""How often an instance that moves while it is read is read again."""
EXPLAINED_TASKS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What checking one instance came to."""

    instance: str
    status: str
    tasks: int
    events: int
    violations: Sequence[Violation]
    is_moving: bool = False
    """It changed at every look: what was found is only what does not depend on the moment."""


@dataclass(kw_only=True)
class _Read:
    """What was read of one instance."""

    row: Instance
    history: History
    events: int = 0
    newest: int = 0
    violations: list[Violation] = field(default_factory=list)


def verify_instances(given: Sequence[str] = ()) -> Iterator[Verdict]:
    """Check these instances (none named: all) and yield a verdict for each.

    :raises NotFound: when one of them does not exist.
    :raises AmbiguousId: when a shortened id fits several.
    """
    if given:
        keys = sorted({find_instance(given=each).pk for each in given})
        batches = iter([keys[at : at + INSTANCES_AT_ONCE] for at in range(0, len(keys), INSTANCES_AT_ONCE)])
    else:
        batches = _all_in_batches()
    for keys in batches:
        yield from _verify_batch(keys)


def _all_in_batches() -> Iterator[list[int]]:
    last = 0
    while page := list(
        Instance.objects.filter(pk__gt=last, is_pruning=False)
        .order_by("pk")
        .values_list("pk", "task_count")[:INSTANCES_AT_ONCE]
    ):
        batch: list[int] = []
        tasks = 0
        for pk, count in page:
            if batch and tasks + count > TASKS_AT_ONCE:
                break
            batch.append(pk)
            tasks += count
        yield batch
        last = batch[-1]


def _verify_batch(keys: Sequence[int]) -> list[Verdict]:
    verdicts: dict[int, Verdict] = {}
    left = list(keys)
    for look in range(1, LOOKS + 1):
        reads = _read(left)
        moved = _moved(reads)
        for pk, read in reads.items():
            is_last = look == LOOKS
            if pk not in moved or is_last:
                verdicts[pk] = _verdict(read, is_moving=pk in moved)
        left = [pk for pk in left if pk in moved]
        if not left:
            break
    return [verdicts[pk] for pk in keys if pk in verdicts]


def _verdict(read: _Read, *, is_moving: bool) -> Verdict:
    violations = check_history(history=read.history, is_moving=is_moving) + read.violations
    if not is_moving and read.row.status not in INSTANCE_FINAL:
        violations += _unexplained(read.row)
    return Verdict(
        instance=read.row.public_id,
        status=read.row.status,
        tasks=len(read.history.subjects),
        events=read.events,
        violations=violations,
        is_moving=is_moving,
    )


def _read(keys: Collection[int]) -> dict[int, _Read]:
    reads = {
        row.pk: _Read(row=row, history=History(status=InstanceState(row.status)))
        for row in Instance.objects.filter(pk__in=keys, is_pruning=False).defer("params", "error_message")
    }
    _read_tasks(reads)
    _read_records(reads)
    _read_events(reads)
    return reads


def _read_tasks(reads: dict[int, _Read]) -> None:
    columns = (
        "instance_id",
        "pk",
        "name",
        "status",
        "satisfies",
        "allow_failure",
        "join",
        "join_count",
        "attempts",
        "fan_in",
    )
    expected: dict[int, tuple[int, int]] = {}
    rows = Task.objects.filter(instance_id__in=reads).order_by().values_list(*columns)
    for (
        owner,
        pk,
        name,
        status,
        satisfies,
        allow_failure,
        join,
        join_count,
        attempts,
        fan_in,
    ) in rows.iterator(EVENTS_AT_ONCE):
        reads[owner].history.subjects[pk] = Subject(
            name=name,
            status=TaskState(status),
            satisfies=satisfies,
            allow_failure=allow_failure,
            join=JoinMode(join),
            join_count=join_count,
            attempts=attempts,
        )
        if fan_in:
            expected[pk] = (owner, fan_in)
    good: Counter[int] = Counter()
    edges = Dependency.objects.filter(task__instance_id__in=reads).order_by()
    columns_of_edges = ("task__instance_id", "task_id", "needed_id", "is_foreign", "needed__satisfies")
    for owner, task, needed, is_foreign, satisfies in edges.values_list(*columns_of_edges).iterator(
        EVENTS_AT_ONCE
    ):
        if not is_foreign:
            reads[owner].history.needs.setdefault(task, []).append(needed)
        elif not satisfies:
            good[task] -= 1
    for task, (owner, count) in expected.items():
        # A need that is missing was of another instance, which was pruned: that waits until it is of no use.
        if elsewhere := count - len(reads[owner].history.needs.get(task, ())):
            reads[owner].history.elsewhere[task] = Elsewhere(needs=elsewhere, good=elsewhere + good[task])


def _read_records(reads: dict[int, _Read]) -> None:
    rows = ExecutionRecord.objects.filter(task__instance_id__in=reads).order_by("task_id", "number")
    for owner, task, number, status in rows.values_list(
        "task__instance_id", "task_id", "number", "status"
    ).iterator(EVENTS_AT_ONCE):
        reads[owner].history.subjects[task].records.append((number, status))
    for owner, name in _foreign_outputs(reads):
        reads[owner].violations.append(
            Violation(
                rule="stale_write",
                task=name,
                sentence="its output is not the one in its completed record",
            )
        )


def _foreign_outputs(reads: Collection[int]) -> "QuerySet[ExecutionRecord, tuple[int, str]]":
    """Return the completed tasks whose output differs from that of their completed record."""
    same = Q(output=F("task__output")) | Q(output__isnull=True, task__output__isnull=True)
    return (
        ExecutionRecord.objects.filter(
            task__instance_id__in=reads, status="completed", task__status=TaskState.COMPLETED
        )
        .exclude(pk__in=ExecutionRecord.objects.filter(same, task__instance_id__in=reads).values("pk"))
        .order_by()
        .values_list("task__instance_id", "task__name")
    )


def _read_events(reads: dict[int, _Read]) -> None:
    """Pass the events of each instance to its history, in order, without keeping them."""
    rows = (
        Event.objects.filter(instance_id__in=reads)
        .order_by("instance_id", "id")
        .values_list("instance_id", "id", "task_id", "kind", "attempt")
    )
    for owner, events in groupby(rows.iterator(EVENTS_AT_ONCE), key=itemgetter(0)):
        read = reads[owner]
        for _, pk, task, kind, attempt in events:
            read.events += 1
            read.newest = pk
            read.history.take(Line(event=pk, kind=kind, task=task, attempt=attempt))


def _moved(reads: dict[int, _Read]) -> set[int]:
    """Return the instances in which something happened while they were read."""
    rows = Event.objects.filter(instance_id__in=reads).values_list("instance_id").order_by()
    now = {owner: (count, newest) for owner, count, newest in rows.annotate(Count("pk"), Max("pk"))}
    return {pk for pk, read in reads.items() if now.get(pk, (0, 0)) != (read.events, read.newest)}


def _unexplained(row: Instance) -> Iterator[Violation]:
    _, holds, tasks = why_instance(given=row.public_id, limit=EXPLAINED_TASKS)
    if not holds and not tasks:
        yield Violation(
            rule="unexplained", task=None, sentence="it is not over, and nothing says what holds it"
        )
    for task, of_task in tasks:
        if not of_task:
            yield Violation(rule="unexplained", task=task.name, sentence="nothing says what holds it")
