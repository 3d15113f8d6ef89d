"""How long it took after each fault until work went on, read from the record when all is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.chaos.faults import Committed
from tests.chaos.plan import Fault


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """One fault and how long it took, in seconds; None: nothing followed. ``lost``: attempts it cost."""

    fault: Fault
    seconds: float | None
    lost: int


def recoveries(committed: Iterable[Committed]) -> list[Recovery]:
    """Measure each fault: to the last restart of the tasks it took, or to the next completed task."""
    return [_recovery(each) for each in committed]


def _recovery(committed: Committed) -> Recovery:
    from tasks_app.models import Event, ExecutionRecord, Task

    went_on = []
    for task, attempt in committed.hit:
        statuses = ExecutionRecord.objects.filter(task=task, number=attempt).values_list("status", flat=True)
        if statuses.first() != "lost":
            continue
        after = ExecutionRecord.objects.filter(task=task, number=attempt + 1)
        went_on.append(
            after.values_list("started_at", flat=True).first() or Task.objects.get(pk=task).finished_at
        )
    if not went_on:
        done = Event.objects.filter(kind="task.completed", happened_at__gt=committed.at).order_by(
            "happened_at"
        )
        went_on = [done.values_list("happened_at", flat=True).first()]
        lost = 0
    else:
        lost = len(went_on)
    known = [at for at in went_on if at is not None]
    whole = len(known) == len(went_on)
    seconds = (max(known) - committed.at).total_seconds() if whole else None
    return Recovery(fault=committed.fault, seconds=seconds, lost=lost)


def summary(found: Sequence[Recovery]) -> list[dict[str, Any]]:
    """Return a row for each kind of fault that was committed."""
    rows = []
    for fault in Fault:
        mine = [each for each in found if each.fault is fault]
        times = [each.seconds for each in mine if each.seconds is not None]
        if mine:
            rows.append(
                {
                    "fault": fault.value,
                    "committed": len(mine),
                    "recovered": len(times),
                    "attempts_lost": sum(each.lost for each in mine),
                    "median_seconds": round(median(times), 2) if times else None,
                    "worst_seconds": round(max(times), 2) if times else None,
                }
            )
    return rows
