"""Control one task: cancel it, or have it tried again. The rest of its instance goes on."""

from collections.abc import Collection
from contextlib import suppress

from cpds.base import db
from cpds.base.origin import signed
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove
from tasks_app.models import Dependency, Event, Instance, Task
from tasks_app.planning.engine.decisions import Cancel, Refusal, decide_task_cancel
from tasks_app.planning.engine.ruling import Standing, ruled_out
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.reopening import check_that_it_is_its_own, hold_workflow, run_again
from tasks_app.services.control.stopping import cancel_tasks, stop_running
from tasks_app.services.progress import saga
from tasks_app.services.progress.advance import advance
from tasks_app.services.progress.ruling_out import standings_of
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import INSTANCE_FINAL, TASK_UNSTARTED, InstanceState, TaskState

_RETRIED = (TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED)


def cancel_task(*, task: Task, by: str = "", reason: str = "") -> None:
    """End one task; what cannot start without it is skipped.

    If it runs, it is stopped within seconds and its result refused. The items of a
    list and the instance of a child workflow end with it. Cancelling what is
    cancelled already changes nothing.

    :raises IllegalMove: when it has ended otherwise, or undoes something, or its instance does not go on.
    """
    why = redact_text(reason or (f"cancelled by {by}" if by else "cancelled"))
    with db.transaction():
        instance = Instance.objects.locked(task.instance_id)
        task.refresh_from_db()
        decision = decide_task_cancel(
            state=TaskState(task.status),
            is_undo=task.compensates_id is not None,
            of_instance=None if instance is None else InstanceState(instance.status),
        )
        if isinstance(decision, Refusal):
            raise _illegal(task, decision.state)
        if decision is Cancel.NOTHING:
            return
        family = [task.pk, *Task.objects.filter(parent=task).values_list("pk", flat=True)]
        ended = Task.objects.filter(pk__in=family)
        dispatches = ended.filter(dispatch_id__isnull=False).values_list("dispatch_id", flat=True)
        planned_with = list(dispatches)
        stop_running(running=ended.filter(status=TaskState.RUNNING), reason=why, by=by, settled=False)
        cancel_tasks(tasks=ended.filter(status__in=sorted(TASK_UNSTARTED)), reason=why, by=by, settled=False)
        release_followers(instance_id=task.instance_id, dispatch_ids=planned_with)
    parents = [] if task.parent_id is None else [task.parent_id]
    advance(instance_id=task.instance_id, after=[task.pk], failed=[task.pk], waiting=parents)
    pump()
    for child in Instance.objects.unfinished().filter(parent_task__in=family):
        with suppress(IllegalMove):  # it has just ended
            cancel_instance(given=child.public_id, by=by, reason=why)


def retry_task(*, task: Task, by: str = "", reason: str = "") -> list[int]:
    """Have a task tried again, with what was ruled out because of it; return the keys of all.

    Its instance goes on, if it had ended, as soon as its workflow has room for it. So do
    other instances whose tasks were ruled out for want of these.

    :raises IllegalMove: when it completed, or is not over, or undoes something.
    :raises RetryTheParent: when another instance started its instance, and decides.
    """
    retried: list[int] = []
    left = [task]
    while left:
        each = left.pop(0)
        try:
            again = _retry(each, by, reason)
        except IllegalMove:
            if each is task:
                raise
            continue  # somebody has just brought it back
        retried += again
        left += Task.objects.filter(
            needs__needed__in=again, needs__is_foreign=True, status=TaskState.SKIPPED, satisfies=False
        ).distinct()
    return retried


def _retry(task: Task, by: str, reason: str) -> list[int]:
    with db.transaction():
        hold_workflow(task.instance)
        instance = Instance.objects.locked(task.instance_id)
        task.refresh_from_db()
        if task.status not in _RETRIED or task.satisfies or task.compensates_id is not None:
            raise _illegal(task, task.status)
        if instance is None or instance.is_pruning or saga.undos(instance=instance).exists():
            raise _illegal(task, "in an instance that cannot go on")
        check_that_it_is_its_own(instance)
        again = _to_try_again(instance, task)
        rows = Task.objects.filter(pk__in=again)
        Event.objects.bulk_create(
            [
                Event(
                    instance=instance,
                    task_id=pk,
                    kind="task.retried",
                    message=redact_text(reason),
                    data=signed({"by": by} if by else {}),
                )
                for pk in again
            ]
        )
        rows.move(to=TaskState.PENDING, message="retried", **saga.AGAIN)
        runs = instance.status == InstanceState.RUNNING
        if instance.status in INSTANCE_FINAL:
            runs = run_again(instance=instance, by=by, reason=reason)
        if runs:
            mark_ready(rows)
    if task.parent_id is not None:
        advance(instance_id=instance.pk, after=[], waiting=[task.parent_id])
    elif foreign := list(
        Dependency.objects.filter(task__in=again, is_foreign=True).values_list("needed", flat=True)
    ):
        advance(instance_id=instance.pk, after=foreign, failed=foreign)
    pump()
    return again


def _to_try_again(instance: Instance, task: Task) -> list[int]:
    """Return the task, its list and its items that did not do, and what nothing else rules out any more."""
    family = _family(task)
    tasks, needs = standings_of(instance.pk)
    skipped = set(
        Task.objects.filter(
            instance=instance, status=TaskState.SKIPPED, satisfies=False, parent__isnull=True
        ).values_list("pk", flat=True)
    )
    bad = Task.objects.filter(instance=instance, satisfies=False, parent__isnull=True)
    others = set(bad.exclude(status=TaskState.SKIPPED).values_list("pk", flat=True)) - family
    reset = {
        pk: Standing(satisfies=None, may_be_skipped=True, join=each.join, join_count=each.join_count)
        if pk in skipped or pk in family
        else each
        for pk, each in tasks.items()
    }
    lost = {pk for pk, each in reset.items() if each.satisfies is False} - family
    still_out = ruled_out(tasks=reset, needs=needs, culprits=lost)
    possible = skipped - set(still_out) - family
    again = family | (possible if not others else possible & _descendants(family, needs))
    unopened = Task.objects.filter(parent__in=again, status=TaskState.SKIPPED, satisfies=False)
    return sorted(again | set(unopened.values_list("pk", flat=True)))


def _family(task: Task) -> set[int]:
    """Return the task with the list it is an item of, or with the items that it is the list of."""
    keys = {task.pk}
    if task.parent is not None and task.parent.status in _RETRIED:
        keys.add(task.parent.pk)
    items = Task.objects.filter(parent=task, satisfies=False, status__in=_RETRIED)
    return keys | set(items.values_list("pk", flat=True))


def _descendants(start: Collection[int], needs: dict[int, list[int]]) -> set[int]:
    followers: dict[int, list[int]] = {}
    for pk, needed in needs.items():
        for each in needed:
            followers.setdefault(each, []).append(pk)
    found: set[int] = set()
    left = list(start)
    while left:
        for follower in followers.get(left.pop(), ()):
            if follower not in found:
                found.add(follower)
                left.append(follower)
    return found


def _illegal(task: Task, state: str) -> IllegalMove:
    return IllegalMove(kind="Task", key=task.address, state=state, wanted="cancelled or tried again")
