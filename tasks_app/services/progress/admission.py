"""How many instances of a workflow run at once: the rest wait as pending, oldest first.

Of those that a schedule with ``overlap: queue`` started, one runs at a time: each
waits until all before it have ended.
"""

from collections.abc import Collection, Iterator
from itertools import chain

from django.db.models import Q
from django.db.models.functions import Coalesce

from cpds.base import clock, db
from tasks_app.models import Instance, Schedule, Task, Workflow
from tasks_app.models.instance import InstanceQuerySet
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.states import InstanceState, Overlap

BATCH = 500
_RUNS = (InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.COMPENSATING)


@db.transaction_required
def admit(*, instance: Instance, max_instances: int | None, timeout_seconds: float | None) -> bool:
    """Start a pending instance if its workflow has room for one more; return whether it did.

    ``timeout_seconds`` is the time the whole instance has from now on.
    """
    if instance.workflow_id is None:
        raise LookupError(f"Instance {instance.pk} has no workflow that could admit it.")
    if not has_room(instance=instance, max_instances=max_instances):
        return False
    deadline = None if timeout_seconds is None else clock.database_now_plus(timeout_seconds)
    return bool(
        Instance.objects.filter(pk=instance.pk, status=InstanceState.PENDING).move(
            to=InstanceState.RUNNING,
            # One that was retried and had to wait has started before.
            started_at=Coalesce("started_at", clock.database_now()),
            deadline_at=deadline,
        )
    )


@db.transaction_required
def has_room(*, instance: Instance, max_instances: int | None) -> bool:
    """Return whether an instance that does not run may start now; until the transaction ends nobody else may.

    Tasks that were created on their own are kept by nothing.
    """
    if instance.workflow_id is None:
        return True
    # One admission at a time: two that count together would both find the last place.
    db.locking(Workflow.objects.all()).get(pk=instance.workflow_id)
    if not _is_its_turn(instance):
        return False
    if max_instances is None:
        return True
    running = Instance.objects.filter(workflow_id=instance.workflow_id, status__in=_RUNS)
    return running.count() < max_instances


def admit_waiting(workflow_id: int | None = None) -> list[int]:
    """Start pending instances for which there is room now, oldest first, and return them.

    Their first tasks are ready, to be published by the caller.
    """
    waiting = Instance.objects.filter(status=InstanceState.PENDING, version__isnull=False).order_by("pk")
    if workflow_id is not None:
        waiting = waiting.filter(workflow_id=workflow_id)
    admitted: list[int] = []
    full: set[int | None] = set()
    occupied: set[int] = set()
    for instance in chain.from_iterable(_pages(waiting, full, occupied)):
        if instance.workflow_id in full or instance.schedule_id in occupied:
            continue
        if _is_admitted(instance):
            admitted.append(instance.pk)
        elif instance.schedule_id is not None:
            # Perhaps only its schedule makes it wait: others of the workflow may start.
            occupied.add(instance.schedule_id)
        else:
            full.add(instance.workflow_id)
        if len(admitted) == BATCH:
            break
    return admitted


def _pages(
    waiting: InstanceQuerySet, full: Collection[int | None], occupied: Collection[int]
) -> Iterator[list[Instance]]:
    """Yield those that wait, without those of what has been found full or occupied in the meantime.

    Of these there may be any number, older than all others.
    """
    last: int | None = 0
    while last is not None:
        others = waiting.filter(pk__gt=last).exclude(workflow_id__in=full).exclude(schedule_id__in=occupied)
        page = list(others.select_related("version")[:BATCH])
        yield page
        last = page[-1].pk if len(page) == BATCH else None


def _is_admitted(instance: Instance) -> bool:
    definition = instance.definition
    with db.transaction():
        is_admitted = admit(
            instance=instance,
            max_instances=definition.get("max_instances"),
            timeout_seconds=definition.get("timeout"),
        )
        if is_admitted:
            # Not later: a crash in between would leave it running with nothing ready.
            mark_ready(Task.objects.filter(instance=instance))
    return is_admitted


def _is_its_turn(instance: Instance) -> bool:
    if instance.schedule_id is None:
        return True
    if not Schedule.objects.filter(pk=instance.schedule_id, overlap=Overlap.QUEUE).exists():
        return True
    # A later one may have started while this one was over.
    is_before = Q(pk__lt=instance.pk) | Q(pk__gt=instance.pk, status__in=_RUNS)
    before = Instance.objects.unfinished().filter(is_before, schedule_id=instance.schedule_id)
    return not before.exists()
