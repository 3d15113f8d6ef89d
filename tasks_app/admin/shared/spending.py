"""What attempts used, summed for a page of tasks or instances in one statement."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from tasks_app.models import ExecutionRecord


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Tokens and cost over all attempts, None where none are known; ``simulated`` counts rehearsed ones."""

    tokens: int | None = None
    cost_usd_micros: int | None = None
    simulated: int = 0


NOTHING_SPENT = Spent()


def spent_by_task(keys: Collection[int]) -> dict[int, Spent]:
    """Return what each of these tasks used; tasks without attempts are missing."""
    return _spent(keys, "task_id")


def spent_by_instance(keys: Collection[int]) -> dict[int, Spent]:
    """Return what each of these instances used; instances without attempts are missing."""
    return _spent(keys, "task__instance_id")


def _spent(keys: Collection[int], owner: str) -> dict[int, Spent]:
    sums = (
        ExecutionRecord.objects.filter(**{f"{owner}__in": keys})
        .order_by()
        .values_list(owner)
        .annotate(
            used=Sum("tokens_used"),
            micros=Sum("cost_usd_micros"),
            rehearsed=Count("pk", filter=Q(simulated=True)),
        )
    )
    return {
        key: Spent(tokens=tokens, cost_usd_micros=micros, simulated=simulated)
        for key, tokens, micros, simulated in sums
    }
