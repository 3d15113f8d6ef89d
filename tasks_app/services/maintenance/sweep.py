"""The chores: find what a lost message or a lost process left behind. Each is idempotent.

Beat rings for them; a worker that sees none run for three intervals does them
itself. Two at once do no harm, and one of them usually finds that the other was
there first.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Chore, Instance, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.engine.decisions import is_poisonous
from tasks_app.services.attempts.stopped import forget_stopped
from tasks_app.services.listeners.outbox_sweep import ring_undelivered
from tasks_app.services.lookup.chores import run_chore
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.maintenance.firing import fire_due
from tasks_app.services.maintenance.garbage import delete_expired, delete_unused
from tasks_app.services.maintenance.timers import end_overdue, resume_due, wake_due
from tasks_app.services.maintenance.waits import tend
from tasks_app.services.progress.advance import advance, failed_in, start_waiting_instances
from tasks_app.services.publishing import window
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.redelivery import publish_again
from tasks_app.services.publishing.release import close_records, release_followers, take_back
from tasks_app.services.workflows.prune import prune_due
from tasks_app.states import INSTANCE_RUNNABLE, TASK_FINAL, RecordState, TaskState

logger = logging.getLogger(__name__)

SWEEP = "sweep"
BATCH = 500
OVERDUE_INTERVALS = 3
_CULPRITS = (TaskState.FAILED, TaskState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """How much a sweep found to do. On a quiet day only instances in which tasks finished count."""

    rescued: int = 0
    woken: int = 0
    resumed: int = 0
    ended: int = 0
    fired: int = 0
    admitted: int = 0
    advanced: int = 0
    undoing: int = 0
    freed: int = 0
    published_again: int = 0
    tended: int = 0
    published: int = 0
    pruned: int = 0
    expired: int = 0
    unused: int = 0
    rung: int = 0


def sweep(*, only_if_overdue: bool = False) -> Swept | None:
    """Run every chore once; return what they did, or None when another sweep has just run.

    ``only_if_overdue``: run only when none has for three intervals.
    """
    if not _take_turn(only_if_overdue):
        return None
    chores: Mapping[str, Callable[[], int]] = {
        "rescued": rescue_lost,
        "woken": wake_due,
        "resumed": resume_due,
        "ended": end_overdue,
        "fired": fire_due,
        "admitted": start_waiting_instances,
        "advanced": advance_unsettled,
        "undoing": forget_stopped,
        "freed": release_undelivered,
        "published_again": publish_unclaimed_again,
        "tended": tend,
        "published": pump,
        "pruned": prune_due,
        "expired": delete_expired,
        "unused": delete_unused,
        "rung": ring_undelivered,
    }
    swept = Swept(**{name: run_chore(name=name, chore=chore) for name, chore in chores.items()})
    if swept.rescued or swept.freed or swept.published_again:
        logger.info("swept %s", swept)
    return swept


def rescue_lost() -> int:
    """Take back every task whose lease ran out or whose worker fell silent; return how many."""
    if Chore.objects.filter(pk=SWEEP, grace_until__gt=clock.database_now()).exists():
        return 0
    running = Task.objects.filter(status=TaskState.RUNNING)
    expired = running.filter(lease_expires_at__lt=clock.database_now())
    rescued = _rescue(expired, "its lease ran out: the worker was silent for too long")
    if lost := connected_fleet().lost():
        held = running.filter(worker__in=sorted(lost), lease_expires_at__isnull=False)
        rescued += _rescue(held, "its worker fell silent")
    return rescued


def free_claims_of(*, worker: str, but: Collection[int] = ()) -> int:
    """Take back what a worker's dead predecessor of the same name still held; return how many.

    ``but``: the keys of tasks that it goes on with.
    """
    held = Task.objects.filter(status=TaskState.RUNNING, worker=worker).exclude(pk__in=sorted(but))
    return _rescue(held, "its worker was started anew")


def advance_unsettled() -> int:
    """Plan what follows finished tasks whose workers did not get to it; return in how many instances.

    A worker plans after its commit; if it dies in between, this finds it. Each
    finished task is looked at once, and under its instance's lock: whoever is
    just freeing its followers is waited for.
    """
    rows = list(
        Task.objects.filter(settled=False, status__in=sorted(TASK_FINAL))
        .order_by("pk")
        .values_list("pk", "instance_id", "status")[:BATCH]
    )
    if not rows:
        return 0
    owners = {owner for _, owner, _ in rows}
    running = Instance.objects.filter(pk__in=owners, status__in=sorted(INSTANCE_RUNNABLE)).order_by("pk")
    due = list(running.values_list("pk", flat=True))
    for instance_id in due:
        advance(
            instance_id=instance_id,
            after=[pk for pk, owner, _ in rows if owner == instance_id],
            failed=[pk for pk, owner, status in rows if owner == instance_id and status in _CULPRITS],
        )
    Task.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(settled=True)
    return len(due)


def release_undelivered() -> int:
    """Free followers whose canvas did not start them although they could; return how many.

    Only while slots are free: otherwise their message may simply be waiting.
    """
    if not window.take_snapshot().free_slots():
        return 0
    cutoff = clock.database_now_plus(-conf().redeliver_seconds)
    recent = Task.objects.filter(followers__task=OuterRef("pk"), finished_at__gte=cutoff)
    overdue = list(
        Task.objects.planned()
        .satisfied()
        .in_running_instance()
        .filter(~Exists(recent))
        .values_list("instance_id", "dispatch_id")[:BATCH]
    )
    freed = 0
    for instance_id, dispatch_ids in sorted(_grouped(overdue).items()):
        with db.transaction():
            if Instance.objects.locked(instance_id) is not None:
                freed += release_followers(instance_id=instance_id, dispatch_ids=dispatch_ids)
    return freed


def publish_unclaimed_again() -> int:
    """Publish again what was published and never claimed, alone and under the same dispatch; return how many.

    Only while slots are free, so that a queue behind long tasks is not filled
    with copies. A new dispatch id would make the copy still in a queue stale.
    """
    look = window.take_snapshot()
    idle = [requirement for requirement in look.requirements_out if look.free_slots(requirement)]
    if not idle:
        return 0
    cutoff = clock.database_now_plus(-conf().redeliver_seconds)
    overdue = list(
        Task.objects.filter(status=TaskState.QUEUED, published_at__lt=cutoff, requirement__in=idle)
        .in_running_instance()
        .order_by("published_at")
        .values_list("pk", "instance_id", "dispatch_id")[:BATCH]
    )
    by_instance: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for task_id, instance_id, dispatch_id in overdue:
        by_instance[instance_id].append((task_id, dispatch_id))
    sent = 0
    for instance_id, tasks in sorted(by_instance.items()):
        number, is_taken = publish_again(instance_id=instance_id, tasks=tasks)
        sent += number
        if not is_taken:
            return sent
    return sent


def _rescue(lost: TaskQuerySet, why: str) -> int:
    rows = list(lost.order_by("pk").values_list("pk", "instance_id", "dispatch_id", "losses")[:BATCH])
    by_instance: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for pk, instance_id, dispatch_id, losses in rows:
        by_instance[instance_id].append((pk, dispatch_id, losses))
    return sum(
        _rescue_in_instance(instance_id, tasks, lost, why)
        for instance_id, tasks in sorted(by_instance.items())
    )


def _rescue_in_instance(
    instance_id: int, tasks: Sequence[tuple[int, str, int]], lost: TaskQuerySet, why: str
) -> int:
    limit = conf().losses_to_quarantine
    with db.transaction():
        Instance.objects.locked(instance_id)
        still = set(lost.filter(pk__in=[pk for pk, _, _ in tasks]).values_list("pk", flat=True))
        claims = [(pk, dispatch, losses) for pk, dispatch, losses in tasks if pk in still]
        poisonous = [
            (pk, dispatch) for pk, dispatch, losses in claims if is_poisonous(losses=losses + 1, limit=limit)
        ]
        spared = still - {pk for pk, _ in poisonous}
        take_back(task_ids=spared, reason=why, is_loss=True)
        _quarantine(poisonous, why, limit)
        release_followers(instance_id=instance_id, dispatch_ids=[dispatch for _, dispatch, _ in claims])
    if failed := failed_in(instance_id):
        # An instance that stops starts nothing again, not even what a dead worker had begun.
        advance(instance_id=instance_id, after=[], failed=failed)
    return len(still)


def _quarantine(claims: Sequence[tuple[int, str]], why: str, limit: int) -> None:
    if not claims:
        return
    message = f"It lost {limit} workers and is not started again; the last time {why}."
    Task.objects.filter(pk__in=[pk for pk, _ in claims]).move(
        to=TaskState.FAILED,
        message=message,
        data={"kind": "quarantined"},
        error_kind="quarantined",
        error_message=message,
        lease_expires_at=None,
        finished_at=clock.database_now(),
        losses=limit,
    )
    close_records(claims=claims, status=RecordState.LOST, kind="worker_lost", message=why)


def _take_turn(only_if_overdue: bool) -> bool:
    """Return whether this caller is to sweep now; at most one is, in each half interval.

    After a gap in which no sweep ran for longer than a lease, nobody may have been
    able to renew, so rescues get one lease of grace.
    """
    settings = conf()
    since = settings.sweep_seconds * (OVERDUE_INTERVALS if only_if_overdue else 0.5)
    with db.transaction():
        chore, _ = db.locking(Chore.objects.all()).get_or_create(pk=SWEEP)
        mine = Chore.objects.filter(
            Q(ran_at__isnull=True) | Q(ran_at__lt=clock.database_now_plus(-since)), pk=SWEEP
        )
        if not mine.exists():
            return False
        gap = (
            chore.ran_at is not None
            and Chore.objects.filter(
                pk=SWEEP, ran_at__lt=clock.database_now_plus(-settings.lease_seconds)
            ).exists()
        )
        if gap:
            mine.update(
                ran_at=clock.database_now(), grace_until=clock.database_now_plus(settings.lease_seconds)
            )
        else:
            mine.update(ran_at=clock.database_now())
    return True


def _grouped(pairs: Sequence[tuple[int, str]]) -> dict[int, list[str]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
