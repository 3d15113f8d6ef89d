"""Plan what follows in one instance: ready, ruled out, or over."""

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count

from cpds.base import clock, db
from tasks_app.canvas import publish
from tasks_app.models import Dependency, Instance, Task, hot_path
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.engine.canvas_plan import Node
from tasks_app.planning.engine.decisions import instance_end, is_to_be_undone
from tasks_app.services.progress import foreign, saga
from tasks_app.services.progress.admission import admit_waiting
from tasks_app.services.progress.items import is_waited_for
from tasks_app.services.progress.ruling_out import culprits_among, rule_out
from tasks_app.services.progress.waiting_tasks import settle_waits
from tasks_app.services.publishing.dispatch import dispatch, has_backlog, mark_ready, room_for
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import (
    INSTANCE_RUNNABLE,
    TASK_UNFINISHED,
    InstanceState,
    OnFailure,
    TaskState,
    WaitKind,
)


def advance(
    *,
    instance_id: int,
    after: Collection[int] | None = None,
    failed: Collection[int] = (),
    waiting: Collection[int] | None = (),
) -> bool:
    """Plan and publish what became possible in an instance, and close it when nothing is left.

    Return whether the backlog was offered what room there is.

    ``after``: finished tasks whose followers to look at (None: look at every
    blocked task, which costs a look at each). ``failed``: tasks that failed, so
    what depends on them is ruled out. ``waiting``: tasks whose items or whose
    instance may have ended (None: look at every one). Safe to call at any time,
    by anyone, as often as they like: it acts on what the rows say under the instance's lock.
    Other instances whose tasks need tasks of this one are told.
    """
    is_awaited, has_pumped = _advance(instance_id, after, failed, waiting)
    if is_awaited:
        advance_dependents(instance_id)
    return has_pumped


def advance_dependents(instance_id: int) -> None:
    """Advance the instances whose tasks need tasks of this one that have ended, and so on from each."""
    telling = [instance_id]
    told: set[int] = set()
    while telling:
        # What is needed was created before what needs it, so in this order each is told once.
        teller = heapq.heappop(telling)
        if teller in told:
            continue
        told.add(teller)
        for news in foreign.cross_instance_updates(instance_id=teller):
            if apply_update(news):
                heapq.heappush(telling, news.instance_id)


def apply_update(news: foreign.Update) -> bool:
    """Advance an instance after what it needed elsewhere; return whether others await news of it in turn."""
    is_awaited, _ = _advance(news.instance_id, news.satisfied, news.lost, ())
    return is_awaited


def _advance(
    instance_id: int,
    after: Collection[int] | None,
    failed: Collection[int],
    waiting: Collection[int] | None,
) -> tuple[bool, bool]:
    """Advance one instance; return whether others may await news of it, and whether it pumped."""
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in INSTANCE_RUNNABLE:
            return False, False
        ended = _settle(instance, failed, waiting)
        ready = _mark_what_is_ready(instance, None if after is None else [*after, *ended])
        has_ended = not ready and _close(instance)
        if not has_ended and not ready:
            ready = _mark_undos(instance)
        is_their_turn = bool(ready) and not has_backlog_beside(ready)
        dispatches = (
            dispatch(instance=instance, heads=ready, room=room_for(instance)) if is_their_turn else []
        )
    if has_ended:
        follow_end(instance)
    publish.publish(dispatches)
    heads = sum(len(each.canvas.heads) for each in dispatches)
    is_more = after is None or bool(failed) or waiting != () or len(ready) > heads
    if is_more:
        # What waited for its turn, was freed from a failed task's canvas, or was made ready before.
        pump()
    return instance.is_awaited, is_more


def follow_end(instance: Instance) -> None:
    """Do what the end of an instance makes possible: others of its workflow start, its parent goes on."""
    if instance.workflow_id is not None:
        start_waiting_instances(instance.workflow_id)
    if instance.parent_task_id is not None:
        parent = Task.objects.filter(pk=instance.parent_task_id).values_list("instance_id", flat=True).first()
        if parent is not None:
            advance(instance_id=parent, after=[], waiting=[instance.parent_task_id])


def start_waiting_instances(workflow_id: int | None = None) -> int:
    """Start pending instances of a workflow (None: of any) that have room now; return how many."""
    admitted = admit_waiting(workflow_id=workflow_id)
    if admitted:
        pump()
    return len(admitted)


def follow_up(*, instance_id: int, task_id: int, dispatch_id: str) -> None:
    """Do what a completed task's worker does after its commit.

    Followers planned under the same dispatch are Celery's to start. If any other
    became possible, or nothing is left to do, the instance is advanced. The slot
    that became free is offered to the backlog.
    """
    look = read_remaining(task_id=task_id, dispatch_id=dispatch_id)
    has_pumped = False
    if look.has_ready:
        has_pumped = advance(instance_id=instance_id, after=[task_id])
    elif not look.has_unfinished and is_exhausted(instance_id):
        advance(instance_id=instance_id, after=[])
    if look.has_backlog and not has_pumped:
        pump(eager=False)


def item_ended(*, instance_id: int, task_id: int, parent_id: int, has_failed: bool) -> None:
    """Do what follows the end of an item: others start in its place, and its list ends with the last."""
    if has_failed or is_waited_for(parent_id):
        failed = [task_id] if has_failed else []
        advance(instance_id=instance_id, after=[], failed=failed, waiting=[parent_id])
    if has_backlog():
        pump(eager=False)


def stream_ended(*, instance_id: int, task_id: int, has_failed: bool) -> None:
    """Do what follows when a continuous task runs no more: its dependants end after the last batch."""
    consumers = Task.objects.filter(
        needs__needed_id=task_id, status=TaskState.WAITING, wait_kind=WaitKind.BATCHES
    )
    advance(
        instance_id=instance_id,
        after=[task_id],
        failed=[task_id] if has_failed else [],
        waiting=list(consumers.values_list("pk", flat=True)),
    )
    if has_backlog():
        pump(eager=False)


@dataclass(frozen=True)
class Remaining:
    """What lies around a task that just completed."""

    has_unfinished: bool
    has_ready: bool
    has_backlog: bool


def read_remaining(*, task_id: int, dispatch_id: str) -> Remaining:
    """Return whether a completed task has unfinished followers, ready ones among them, and who else waits.

    One statement. Followers planned under its own dispatch do not count as ready:
    they are started by Celery.
    """
    rows = hot_path.LOOK_AROUND.run(task_id=task_id, dispatch_id=dispatch_id)
    if not rows:  # the instance was deleted meanwhile
        return Remaining(has_unfinished=True, has_ready=False, has_backlog=False)
    return Remaining(*map(bool, rows[0]))


def failed_in(instance_id: int) -> list[int]:
    """Return the tasks of an instance that failed for good and were not allowed to."""
    failed = Task.objects.filter(instance_id=instance_id, status=TaskState.FAILED, satisfies=False)
    return list(failed.order_by("pk").values_list("pk", flat=True))


def cancelled_in(instance_id: int) -> list[int]:
    """Return the tasks of an instance that were cancelled one by one."""
    cancelled = Task.objects.filter(instance_id=instance_id, status=TaskState.CANCELLED)
    return list(cancelled.order_by("pk").values_list("pk", flat=True))


def is_exhausted(instance_id: int) -> bool:
    """Return whether no task of the instance is unfinished."""
    return not Task.objects.filter(instance_id=instance_id, status__in=sorted(TASK_UNFINISHED)).exists()


def has_backlog_beside(ready: Sequence[Node]) -> bool:
    """Return whether others than the ``ready`` just marked wait for like workers: they may come first."""
    alike = Task.objects.backlog().filter(requirement__in={node.requirement for node in ready})
    return len(alike.values_list("pk")[: len(ready) + 1]) > len(ready)


def _mark_what_is_ready(instance: Instance, after: Collection[int] | None) -> list[Node]:
    if instance.status == InstanceState.COMPENSATING:
        return saga.mark_next(instance=instance)
    return mark_ready(_candidates(instance.pk, after))


def _mark_undos(instance: Instance) -> list[Node]:
    """Mark the first undo of an instance that has just begun to be compensated."""
    return saga.mark_next(instance=instance) if instance.status == InstanceState.COMPENSATING else []


def _candidates(instance_id: int, after: Collection[int] | None) -> TaskQuerySet:
    if after is None:
        tasks: TaskQuerySet = Task.objects.filter(instance_id=instance_id)
        return tasks
    followers = Dependency.objects.filter(needed_id__in=after).values("task_id")
    return Task.objects.filter(pk__in=followers).of_instance(instance_id)


def _close(instance: Instance) -> bool:
    """End the instance if all its tasks have, or begin to compensate it; return whether it ended."""
    if instance.status == InstanceState.COMPENSATING:
        return saga.close(instance=instance)
    if not is_exhausted(instance.pk):
        return False
    tasks = Task.objects.filter(instance_id=instance.pk)
    counts = {TaskState(status): count for status, count in tasks.values_list("status").annotate(Count("pk"))}
    allowed = (
        tasks.filter(status=TaskState.FAILED, allow_failure=True).count()
        if counts.get(TaskState.FAILED)
        else 0
    )
    end = instance_end(counts, allowed_failures=allowed, is_stopping=instance.is_stopping)
    if end is None:
        return False
    message = _first_failure(instance) if end is InstanceState.FAILED else instance.error_message
    if end is InstanceState.COMPLETED and counts.get(TaskState.SKIPPED):
        # Nothing failed here, so what was ruled out needed what failed in another instance.
        lost = tasks.filter(status=TaskState.SKIPPED, satisfies=False).order_by("pk").first()
        if lost is not None:
            end, message = InstanceState.FAILED, f"{lost.name}: {lost.reason}"
    undo = is_to_be_undone(
        end=end, on_failure=OnFailure(instance.on_failure), was_asked=instance.is_to_compensate
    )
    if undo and saga.begin(instance=instance, reason=message):
        return False
    Instance.objects.filter(pk=instance.pk).move(
        to=end, message=message, error_message=message, finished_at=clock.database_now()
    )
    return True


def _first_failure(instance: Instance) -> str:
    failed = (
        Task.objects.filter(instance_id=instance.pk, status=TaskState.FAILED, allow_failure=False)
        .order_by("finished_at", "pk")
        .first()
    )
    return f"{failed.name}: {failed.error_message}" if failed else ""


def _settle(instance: Instance, failed: Collection[int], waiting: Collection[int] | None) -> list[int]:
    """Draw the consequences of failures and of waits that are over; return the tasks that this ended.

    Each may bring about the other: a list fails with its items, and when a failure
    stops the instance, lists lose the items that have not started.
    """
    ended: list[int] = []
    while failed or waiting is None or waiting:
        if failed:
            ended += _give_up(instance, failed)
        settled = settle_waits(instance_id=instance.pk, waiting=None if failed else waiting)
        ended += settled.ended
        # An instance that stops starts nothing again, not even another child.
        again = failed_in(instance.pk) if settled.again else []
        failed, waiting = [*settled.failed, *again], ()
    return ended


def _give_up(instance: Instance, failed: Collection[int]) -> list[int]:
    """Free what the canvases of failed tasks will not start, and skip what their failure prevents."""
    dispatches = Task.objects.filter(pk__in=failed, dispatch_id__isnull=False)
    release_followers(
        instance_id=instance.pk, dispatch_ids=list(dispatches.values_list("dispatch_id", flat=True))
    )
    culprits = culprits_among(instance=instance, ended=failed)
    return rule_out(instance=instance, culprits=culprits) if culprits else []
