"""Steer an instance: pause, resume, cancel, retry. Who did it and why is in the ledger."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from functools import partial

from django.db.models import Q

from cpds.base import clock, db
from cpds.base.origin import signed
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove, NothingToUndo
from tasks_app.models import Event, Instance, Task
from tasks_app.services.control.reopening import check_that_it_is_its_own, hold_workflow, reopen
from tasks_app.services.control.stopping import cancel_unstarted, stop_tasks
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.services.lookup.instance_tree import (
    children_paused_with,
    running_children,
    unfinished_children,
)
from tasks_app.services.progress import saga
from tasks_app.services.progress.advance import (
    advance,
    advance_dependents,
    cancelled_in,
    failed_in,
    follow_end,
)
from tasks_app.services.progress.consumers import open_waiting_consumers
from tasks_app.services.progress.undo_rows import newest_first
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import revoke, take_back
from tasks_app.states import (
    INSTANCE_FINAL,
    InstanceState,
    TaskState,
    WaitKind,
    instance_sources,
)

BATCH = 500
_UNDOABLE = (InstanceState.PENDING, InstanceState.RUNNING, InstanceState.PAUSED)
"""Pending: one that was retried and waits for its turn."""


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
            claims = revoke(running=Task.objects.filter(instance=instance, status=TaskState.RUNNING))
            take_back(task_ids=[task_id for task_id, _ in claims], reason="paused", is_loss=False)
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
        # From here on the sweep goes on with it, should this process die. A task that failed
        # during the pause has ruled out nothing yet.
        mark_ready(candidates=Task.objects.filter(instance=instance))
        culprits = [*failed_in(instance_id=instance.pk), *cancelled_in(instance_id=instance.pk)]
        Task.objects.filter(pk__in=culprits).update(settled=False)
    advance(instance_id=instance.pk, failed=culprits, waiting=None)
    pump()
    for child in children_paused_with(instance_id=instance.pk):
        with suppress(IllegalMove):  # somebody else resumed or cancelled it
            resume_instance(given=child, by=by, reason=reason)
    return instance.public_id


def cancel_instance(
    *, given: str, by: str = "", reason: str = "", drain: bool = False, compensate: bool = False
) -> str:
    """End an instance; return its id.

    What runs is stopped within seconds and its result refused; with ``drain`` it
    may finish first. Cancelling one that failed gives it up. Cancelling one that is
    cancelled already changes nothing.

    With ``compensate`` what completed is undone as soon as nothing runs any more;
    this may be asked of an instance that failed or was cancelled before, too. If
    there is nothing to undo, an unfinished instance is just cancelled.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it has ended otherwise, or is being compensated.
    :raises NothingToUndo: when ``compensate`` is asked of an ended instance in which nothing can be undone.
    """
    found = find_instance(given=given)
    if compensate:
        undo_instance(given=found.public_id, by=by, reason=reason, drain=drain)
        return found.public_id
    if found.status == InstanceState.CANCELLED:
        return found.public_id
    why = reason or (f"cancelled by {by}" if by else "cancelled")
    if found.status == InstanceState.FAILED:
        with db.transaction():
            instance = _locked_for(found, InstanceState.CANCELLED, only_from=InstanceState.FAILED)
            _say_who(instance, InstanceState.CANCELLED, by, why)
    elif drain and found.status == InstanceState.RUNNING:
        with db.transaction():
            instance = _locked_for(found, InstanceState.CANCELLED)
            Instance.objects.filter(pk=instance.pk).update(is_stopping=True)
            _say_that_it_stops(instance, by, redact_text(why))
            # What streams handed on, or still will, is consumed before the instance ends.
            open_waiting_consumers(instance_id=instance.pk)
            taking = Q(wait_kind=WaitKind.BATCHES) | Q(spec__has_key="batch")
            cancel_unstarted(instance_id=instance.pk, reason=why, settled=False, but=taking)
        advance(instance_id=instance.pk, after=[], waiting=None)
        pump()
        _cancel_children(instance.pk, by=by, reason=reason, drain=True)
    elif not stop_for_good(instance_id=found.pk, to=InstanceState.CANCELLED, reason=why, by=by):
        found.refresh_from_db()
        raise IllegalMove(
            kind="Instance", key=found.public_id, state=found.status, wanted=InstanceState.CANCELLED
        )
    return found.public_id


def undo_instance(*, given: str, by: str = "", reason: str = "", drain: bool = False) -> None:
    """Stop an instance and undo what completed in it: ``cancel_instance`` with ``compensate``.

    :raises IllegalMove: when it completed.
    :raises NothingToUndo: when it has ended and nothing in it can be undone.
    """
    found = find_instance(given=given)
    if found.status in (InstanceState.COMPENSATING, InstanceState.COMPENSATED):
        return
    why = redact_text(reason or (f"cancelled by {by}" if by else "cancelled"))
    if found.status in (InstanceState.FAILED, InstanceState.CANCELLED):
        _undo_ended(found, why, by)
    elif drain and found.status == InstanceState.RUNNING:
        with db.transaction():
            instance = _locked_for(found, InstanceState.COMPENSATING, only_from=InstanceState.RUNNING)
            Instance.objects.filter(pk=instance.pk).update(
                is_stopping=True, is_to_compensate=True, error_message=why
            )
            _say_that_it_stops(instance, by, why, compensate=True)
            cancel_unstarted(instance_id=instance.pk, reason=why, settled=False)
        _cancel_children(found.pk, by=by, reason=reason, drain=True)
        advance(instance_id=found.pk, after=[])
    elif not stop_and_undo(instance_id=found.pk, reason=why, by=by) and not stop_for_good(
        instance_id=found.pk, to=InstanceState.CANCELLED, reason=why, by=by
    ):
        found.refresh_from_db()
        raise IllegalMove(
            kind="Instance", key=found.public_id, state=found.status, wanted=InstanceState.CANCELLED
        )


def stop_and_undo(*, instance_id: int, reason: str, by: str = "") -> bool:
    """Stop everything in an instance now and begin to compensate it.

    :returns: False, with nothing changed, when it has ended or there is nothing to undo.
    """
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in _UNDOABLE:
            return False
        if not newest_first(instance=instance):
            return False
        stop_tasks(instance_id=instance.pk, reason=reason)
        _begin_to_undo(instance, reason, by)
    # The first undo waits for their end; should this process die here, the sweep ends them.
    _cancel_children(instance_id, by=by, reason=reason)
    pump()
    return True


def _undo_ended(found: Instance, why: str, by: str) -> None:
    with db.transaction():
        instance = _locked_for(
            found, InstanceState.COMPENSATING, only_from=(InstanceState.FAILED, InstanceState.CANCELLED)
        )
        if saga.undos(instance=instance).exists():
            saga.resume(instance=instance, by=by, reason=why)
            saga.mark_next(instance=instance)
        elif not _begin_to_undo(instance, instance.error_message or why, by):
            raise NothingToUndo(key=instance.public_id)
    pump()


def _begin_to_undo(instance: Instance, why: str, by: str) -> bool:
    has_begun = saga.begin(instance=instance, reason=why, data={"by": by} if by else {})
    if has_begun:
        saga.mark_next(instance=instance)
    return has_begun


def stop_for_good(*, instance_id: int, to: InstanceState, reason: str, by: str = "") -> bool:
    """End an instance as ``to`` now and cancel all that is unfinished in it; return whether it went on."""
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status in INSTANCE_FINAL | {InstanceState.COMPENSATING}:
            return False
        stop_tasks(instance_id=instance.pk, reason=reason)
        _say_who(
            instance,
            to,
            by,
            reason,
            error_message=reason,
            finished_at=clock.database_now(),
            paused_until=None,
        )
    # A caller may have a transaction open, in which it goes on to start something else.
    db.run_when_committed(partial(_follow_stop, instance, by, reason))
    return True


def _follow_stop(instance: Instance, by: str, reason: str) -> None:
    """Do what the stop of an instance brings about elsewhere; the sweep would do it too."""
    _cancel_children(instance.pk, by=by, reason=reason)
    follow_end(instance=instance)
    if instance.is_awaited:
        advance_dependents(instance_id=instance.pk)


def _cancel_children(instance_id: int, *, by: str, reason: str, drain: bool = False) -> None:
    for child in unfinished_children(instance_id=instance_id):
        with suppress(IllegalMove):  # it has just ended
            cancel_instance(given=child, by=by, reason=reason, drain=drain)


def retry_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Go on with an instance that failed or was cancelled, from what did not complete; return its id.

    Completed tasks keep their results. If as many instances of its workflow run as
    may, it waits as pending for its turn. One whose compensation failed goes on being
    compensated, from the undo that failed: there is no way forward from half undone.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it did not fail and was not cancelled.
    :raises RetryTheParent: when another instance started it, and decides.
    """
    found = find_instance(given=given)
    with db.transaction():
        hold_workflow(instance=found)
        instance = _locked_for(
            found, InstanceState.RUNNING, only_from=(InstanceState.FAILED, InstanceState.CANCELLED)
        )
        check_that_it_is_its_own(instance=instance)
        reopen(instance=instance, by=by, reason=reason)
    advance(instance_id=instance.pk, after=[])
    pump()
    return instance.public_id


def _locked_for(
    found: Instance, to: InstanceState, only_from: InstanceState | Collection[InstanceState] = ()
) -> Instance:
    """Lock the instance and make sure that it may become ``to``."""
    sources = {only_from} if isinstance(only_from, InstanceState) else set(only_from) or instance_sources(to)
    instance = Instance.objects.locked(found.pk)
    if instance is None or instance.status not in sources or instance.is_pruning:
        state = "gone" if instance is None or instance.is_pruning else instance.status
        raise IllegalMove(kind="Instance", key=found.public_id, state=state, wanted=to)
    return instance


def _say_who(instance: Instance, to: InstanceState, by: str, reason: str, **changes: object) -> None:
    Instance.objects.filter(pk=instance.pk).move(
        to=to, message=redact_text(reason), data={"by": by} if by else {}, **changes
    )


def _say_that_it_stops(instance: Instance, by: str, why: str, **facts: object) -> None:
    Event.objects.create(
        instance=instance,
        project_id=instance.project_id if by else None,
        kind="instance.stopping",
        message=why,
        data=signed({"by": by, **facts}),
    )


def _call_back(instance_pk: int) -> None:
    """Make everything that is out or ready plain pending again: its messages are stale from now on."""
    out = Task.objects.filter(instance_id=instance_pk)
    out.filter(status=TaskState.QUEUED).move(
        to=TaskState.PENDING, message="paused", dispatch_id=None, ready_at=None
    )
    out.planned().update(dispatch_id=None)
    out.backlog().update(ready_at=None)
