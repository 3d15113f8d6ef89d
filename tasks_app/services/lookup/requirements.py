"""Requirement sets in the record: noted when tasks are created, read by those who could meet them."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

from django.db import connection
from django.db.models import Q

from cpds.base import clock, db
from tasks_app.canvas import names
from tasks_app.models import RequirementSet, Task
from tasks_app.planning.values.requirements import requirement_name, words_of
from tasks_app.states import TaskState

FRESH_SECONDS: Final = 60
SETS_AT_ONCE: Final = 200
"""How many sets a worker serves at a time: those asked for most recently, of those it can meet."""
QUEUES_AT_ONCE: Final = 200
"""In how many queues of single projects a worker helps that is kept for none."""
REMEMBERED: Final = 1024


@db.transaction_required
def note_requirements(wanted: Iterable[Collection[str]]) -> None:
    """Note what tasks that are being created require; free for tasks that require nothing."""
    sets = {requirement_name(each): sorted(set(each)) for each in wanted if each}
    if not sets:
        return
    fresh = RequirementSet.objects.filter(
        name__in=sets, used_at__gte=clock.database_now_plus(-FRESH_SECONDS)
    ).values_list("name", flat=True)
    # In the order of their names, as everybody does: two that create them cannot wait for each other.
    if stale := sorted(sets.keys() - set(fresh)):
        _insert_or_freshen({name: sets[name] for name in stale})


def _insert_or_freshen(sets: Mapping[str, list[str]]) -> None:
    # One statement: between two, who deletes unused sets could take a row that the first has found there.
    has_target = connection.features.supports_update_conflicts_with_target
    RequirementSet.objects.bulk_create(
        [RequirementSet(name=name, capabilities=sets[name]) for name in sets],
        update_conflicts=True,
        unique_fields=["name"] if has_target else None,
        update_fields=["used_at"],
    )


def malformed(capabilities: Iterable[object]) -> list[str]:
    """Return those of these words that no task could require, as they are told to people."""
    # Imported here: the model's library is heavy, and only the checks ask.
    from tasks_app.planning.definition.spec_types import is_capability

    return [repr(each) for each in capabilities if not is_capability(each)]


def requirements_met(capabilities: Collection[str]) -> frozenset[str]:
    """Return the names of the sets that somebody with these capabilities meets, without the empty one."""
    able = frozenset(capabilities)
    rows = RequirementSet.objects.order_by("-used_at", "pk").values_list("name", "capabilities")
    met = [name for name, needed in rows if able.issuperset(needed)]
    return frozenset(met[:SETS_AT_ONCE])


def queues_of(
    *, requirements: Collection[str], serves: Collection[int] | None = None, kept: Collection[int] = ()
) -> list[str]:
    """Return the queues in which tasks of these requirement sets wait, sorted.

    ``serves``: the projects whose tasks somebody takes (None: any). ``kept``: the projects that some
    worker is kept for, so that their tasks wait in queues of their own: who takes any helps
    there, too, in the first ``QUEUES_AT_ONCE`` of them.
    """
    sets = sorted(requirements)
    if serves is not None:
        return sorted(names.queue_of(each, project) for each in sets for project in serves)
    own = [names.queue_of(each, project) for each in sets for project in sorted(kept)]
    return sorted([*map(names.queue_of, sets), *own[:QUEUES_AT_ONCE]])


@lru_cache(maxsize=REMEMBERED)
def capabilities_of(requirement: str) -> frozenset[str]:
    """Return the capabilities in a requirement set; they never change.

    Its row may be missing, in a database that was restored or edited: they are then
    those that a task of this set, or else its name, says.

    :raises LookupError: when only a digest is known of them.
    """
    if not requirement:
        return frozenset()
    found = RequirementSet.objects.filter(name=requirement).values_list("capabilities", flat=True).first()
    if found is None:
        of_tasks = Task.objects.filter(requirement=requirement).exclude(requirement="")
        found = of_tasks.values_list("requires", flat=True).first() or words_of(requirement)
    return frozenset(found)


def is_for_others(
    *, task_id: int, dispatch_id: str, able: Collection[str], serves: Collection[int] | None = None
) -> bool:
    """Return whether a task still waits under this dispatch, for somebody more capable or of its project."""
    waiting = Task.objects.filter(
        pk=task_id, dispatch_id=dispatch_id, status__in=[TaskState.PENDING, TaskState.QUEUED]
    )
    mine = Q(requirement__in=["", *able])
    return waiting.exclude(mine if serves is None else mine & Q(project_id__in=sorted(serves))).exists()
