"""Chores for streams: find the batch that nobody was told of, and the dependant that was not let in."""

from collections import defaultdict

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from tasks_app.models import StreamBatch, Task
from tasks_app.services.progress.advance import advance
from tasks_app.services.progress.batches import with_progress
from tasks_app.states import TASK_UNFINISHED, TaskState, WaitKind

BATCH = 500


def tend_streams() -> int:
    """Let dependants of running streams in, and those that stand still go on; return how many.

    A worker does so after its commit; if it dies in between, this finds it.
    """
    by_instance: dict[int, list[int]] = defaultdict(list)
    for pk, instance_id in (*_not_let_in(), *_standing_still()):
        by_instance[instance_id].append(pk)
    for instance_id, keys in sorted(by_instance.items()):
        needed = Task.objects.filter(followers__task__in=keys).values_list("pk", flat=True)
        advance(instance_id=instance_id, after=list(needed), waiting=keys)
    return sum(map(len, by_instance.values()))


def _not_let_in() -> list[tuple[int, int]]:
    """Return the blocked tasks that have all they need of streams which run."""
    # From the few streams to their dependants: the blocked tasks may be very many.
    running = Task.objects.filter(status=TaskState.RUNNING, lease_expires_at__isnull=False, satisfies=True)
    streams = list(running.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not streams:
        return []
    blocked = Task.objects.blocked().filter(needs__needed_id__in=streams).satisfied().in_running_instance()
    return list(blocked.order_by("pk").values_list("pk", "instance_id").distinct()[:BATCH])


def _standing_still() -> list[tuple[int, int]]:
    """Return the dependants that have no batch under way although there is one, or none will come."""
    consumers = Task.objects.filter(status=TaskState.WAITING, wait_kind=WaitKind.BATCHES)
    under_way = Task.objects.filter(parent=OuterRef("pk")).active_items()
    following = StreamBatch.objects.filter(
        task__followers__task=OuterRef("pk"), number=Coalesce(OuterRef("begun"), 0) + 1
    )
    to_come = Task.objects.filter(followers__task=OuterRef("pk"), status__in=sorted(TASK_UNFINISHED))
    still = (
        with_progress(consumers.in_running_instance())
        .filter(~Exists(under_way))
        .filter(Q(unfinished__isnull=False) | Exists(following) | ~Exists(to_come))
    )
    return list(still.order_by("pk").values_list("pk", "instance_id")[:BATCH])
