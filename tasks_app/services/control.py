"""Steer an instance: pause, resume, cancel, retry. Who did it and why is in the ledger."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from django.db.models import Q

from cpds.base import clock, db
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove, RetryTheParent
from tasks_app.models import Event, Instance, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.advance import advance, follow_end
from tasks_app.services.checkpoints import close_checkpoints
from tasks_app.services.consumers import open_waiting_consumers
from tasks_app.services.dispatch import pump
from tasks_app.services.kin import children_paused_with, running_children, unfinished_children
from tasks_app.services.lookup import find_instance
from tasks_app.services.release import close_records, take_back
from tasks_app.services.reopening import reopen
from tasks_app.states import (
    INSTANCE_FINAL,
    TASK_UNSTARTED,
    InstanceState,
    RecordState,
    TaskState,
    WaitKind,
    instance_sources,
)

BATCH = 500


def pause_instance(
    *,
    given: str,
    by: str = "",
    reason: str = "",
    now: bool = False,
    until: datetime | None = None,
    with_parent: bool = False,
) -> str:
    """Start nothing new in an instance; return its id.

    What runs may finish; with ``now`` it is stopped too and starts again at
    resume. ``until`` resumes it by itself. A paused instance holds no slot. Its
    children are paused too. ``with_parent``: it follows its parent, and its parent
    resumes it.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it is not running.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = _locked_for(found, InstanceState.PAUSED)
        _say_who(
            instance,
            InstanceState.PAUSED,
            by,
            reason,
            pause_reason=reason,
            paused_until=until,
            paused_with_parent=with_parent,
        )
        _call_back(instance.pk)
        if now:
            running = Task.objects.filter(instance=instance, status=TaskState.RUNNING)
            take_back(task_ids=list(running.values_list("pk", flat=True)), reason="paused", is_loss=False)
            Task.objects.backlog().filter(instance=instance).update(ready_at=None)
    for child in running_children(instance_id=instance.pk):
        with suppress(IllegalMove):  # it has just ended
            pause_instance(given=child, by=by, reason=reason, now=now, with_parent=True)
    return instance.public_id


def resume_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Let a paused instance go on, and the children that were paused with it; return its id.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it is not paused.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = _locked_for(found, InstanceState.RUNNING, only_from=InstanceState.PAUSED)
        _say_who(
            instance,
            InstanceState.RUNNING,
            by,
            reason,
            pause_reason="",
            paused_until=None,
            paused_with_parent=False,
        )
    advance(instance_id=instance.pk, waiting=None)
    for child in children_paused_with(instance_id=instance.pk):
        with suppress(IllegalMove):  # somebody else resumed or cancelled it
            resume_instance(given=child, by=by, reason=reason)
    return instance.public_id


def cancel_instance(*, given: str, by: str = "", reason: str = "", drain: bool = False) -> str:
    """End an instance; return its id.

    What runs is stopped within seconds and its result refused; with ``drain`` it
    may finish first. Cancelling one that is cancelled already changes nothing.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it has ended otherwise.
    """
    found = find_instance(given=given)
    if found.status == InstanceState.CANCELLED:
        return found.public_id
    why = reason or (f"cancelled by {by}" if by else "cancelled")
    if drain and found.status == InstanceState.RUNNING:
        with db.transaction():
            instance = _locked_for(found, InstanceState.CANCELLED)
            Instance.objects.filter(pk=instance.pk).update(is_stopping=True)
            Event.objects.create(
                instance=instance, kind="instance.stopping", message=redact_text(why), data={"by": by}
            )
            # What streams handed on, or still will, is consumed before the instance ends.
            open_waiting_consumers(instance_id=instance.pk)
            _cancel_unstarted(instance.pk, why, but=Q(wait_kind=WaitKind.BATCHES) | Q(spec__has_key="batch"))
        advance(instance_id=instance.pk, after=[], waiting=None)
        pump()
        for child in unfinished_children(instance_id=instance.pk):
            with suppress(IllegalMove):  # it has just ended
                cancel_instance(given=child, by=by, reason=reason, drain=True)
    elif not stop_for_good(instance_id=found.pk, to=InstanceState.CANCELLED, reason=why, by=by):
        found.refresh_from_db()
        raise IllegalMove(
            kind="Instance", key=found.public_id, state=found.status, wanted=InstanceState.CANCELLED
        )
    return found.public_id


def stop_for_good(*, instance_id: int, to: InstanceState, reason: str, by: str = "") -> bool:
    """End an instance as ``to`` now and cancel everything in it; return whether it was unfinished."""
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status in INSTANCE_FINAL:
            return False
        running = Task.objects.filter(instance=instance, status=TaskState.RUNNING)
        claims = list(running.values_list("pk", "dispatch_id"))
        close_records(claims=claims, status=RecordState.INTERRUPTED, kind="cancelled", message=reason)
        _cancel(running, reason)
        _cancel_unstarted(instance.pk, reason)
        _say_who(
            instance,
            to,
            by,
            reason,
            error_message=reason,
            finished_at=clock.database_now(),
            paused_until=None,
        )
    for child in unfinished_children(instance_id=instance_id):
        with suppress(IllegalMove):  # it has just ended
            cancel_instance(given=child, by=by, reason=reason)
    follow_end(instance=instance)
    return True


def retry_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Go on with an instance that failed or was cancelled, from what did not complete; return its id.

    Completed tasks keep their results.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it did not fail and was not cancelled.
    :raises RetryTheParent: when another instance started it, and decides.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = _locked_for(
            found, InstanceState.RUNNING, only_from=(InstanceState.FAILED, InstanceState.CANCELLED)
        )
        _check_that_it_is_its_own(instance)
        reopen(instance=instance, by=by, reason=reason)
    advance(instance_id=instance.pk)
    return instance.public_id


def _check_that_it_is_its_own(instance: Instance) -> None:
    parent = (
        Instance.objects.filter(tasks=instance.parent_task_id).first() if instance.parent_task_id else None
    )
    if parent is not None:
        raise RetryTheParent(instance=instance.public_id, parent=parent.public_id)


def _locked_for(
    found: Instance, to: InstanceState, only_from: InstanceState | Collection[InstanceState] = ()
) -> Instance:
    """Lock the instance and make sure that it may become ``to``."""
    sources = {only_from} if isinstance(only_from, InstanceState) else set(only_from) or instance_sources(to)
    instance = Instance.objects.locked(found.pk)
    if instance is None or instance.status not in sources:
        state = instance.status if instance else "gone"
        raise IllegalMove(kind="Instance", key=found.public_id, state=state, wanted=to)
    return instance


def _say_who(instance: Instance, to: InstanceState, by: str, reason: str, **changes: object) -> None:
    Instance.objects.filter(pk=instance.pk).move(
        to=to, message=redact_text(reason), data={"by": by} if by else {}, **changes
    )


def _call_back(instance_pk: int) -> None:
    """Make everything that is out or ready plain pending again: its messages are stale from now on."""
    out = Task.objects.filter(instance_id=instance_pk)
    out.filter(status=TaskState.QUEUED).move(
        to=TaskState.PENDING, message="paused", dispatch_id=None, ready_at=None
    )
    out.planned().update(dispatch_id=None)
    out.backlog().update(ready_at=None)


def _cancel_unstarted(instance_pk: int, reason: str, *, but: Q | None = None) -> None:
    unstarted = Task.objects.filter(instance_id=instance_pk, status__in=sorted(TASK_UNSTARTED))
    _cancel(unstarted if but is None else unstarted.exclude(but), reason)


def _cancel(tasks: TaskQuerySet, reason: str) -> None:
    close_checkpoints(tasks=tasks)
    tasks.move(
        to=TaskState.CANCELLED,
        message=reason,
        reason=reason,
        dispatch_id=None,
        lease_expires_at=None,
        wake_at=None,
        wait_kind="",
        finished_at=clock.database_now(),
        settled=True,
    )
