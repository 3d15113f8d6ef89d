"""End an instance before its time: stop it, let it drain, undo what it did. ``decide_cancel`` says which."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.db.models import Q

from cpds.base import clock, db
from cpds.base.origin import signed
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove, NothingToUndo
from tasks_app.models import Event, Instance
from tasks_app.planning.engine.decisions import STOPPABLE, Cancel, Refusal, decide_cancel
from tasks_app.services.access.audited_moves import move_with_audit
from tasks_app.services.control.stopping import cancel_unstarted, stop_tasks
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.services.lookup.instance_tree import unfinished_children
from tasks_app.services.progress import saga
from tasks_app.services.progress.advance import advance, advance_dependents, follow_end
from tasks_app.services.progress.consumers import open_waiting_consumers
from tasks_app.services.progress.undo_rows import newest_first
from tasks_app.services.publishing.pump import pump
from tasks_app.states import InstanceState, WaitKind

_TAKES_BATCHES: Final = Q(wait_kind=WaitKind.BATCHES) | Q(spec__has_key="batch")


@dataclass(frozen=True, kw_only=True)
class _Request:
    by: str
    why: str
    drain: bool = False
    compensate: bool = False
    to: InstanceState = InstanceState.CANCELLED


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
    why = reason or (f"cancelled by {by}" if by else "cancelled")
    request = _Request(by=by, why=redact_text(why), drain=drain, compensate=compensate)
    with db.transaction():
        instance = Instance.objects.locked(found.pk)
        if instance is None:
            raise _illegal(found, "gone")
        decision = _decide(instance, request)
        _carry_out(decision, instance, request)
    _follow_up(decision, instance, request)
    return found.public_id


def end_instance(
    *, instance_id: int, to: InstanceState, reason: str, by: str = "", compensate: bool = False
) -> bool:
    """Stop everything in an instance and end it as ``to``; with ``compensate`` begin to undo it instead.

    :returns: False, with nothing changed, when it has ended or is being compensated.
    """
    request = _Request(by=by, why=redact_text(reason), compensate=compensate, to=to)
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in STOPPABLE:
            return False
        decision = _decide(instance, request)
        _carry_out(decision, instance, request)
    _follow_up(decision, instance, request)
    return True


def _decide(instance: Instance, request: _Request) -> Cancel:
    has_undos = request.compensate and saga.undos(instance=instance).exists()
    decision = decide_cancel(
        state=InstanceState(instance.status),
        drain=request.drain,
        compensate=request.compensate,
        has_undos=has_undos,
        is_undoable=request.compensate and not has_undos and bool(newest_first(instance)),
    )
    if isinstance(decision, Refusal):
        raise _illegal(instance, decision.state)
    if instance.is_pruning and decision is not Cancel.NOTHING:
        raise _illegal(instance, "gone")
    return decision


def _illegal(instance: Instance, state: str) -> IllegalMove:
    return IllegalMove(kind="Instance", key=instance.public_id, state=state, wanted=InstanceState.CANCELLED)


def _carry_out(decision: Cancel, instance: Instance, request: _Request) -> None:
    why, by = request.why, request.by
    match decision:
        case Cancel.NOTHING:
            return
        case Cancel.NOTHING_TO_UNDO:
            raise NothingToUndo(key=instance.public_id)
        case Cancel.STOP:
            stop_tasks(instance_id=instance.pk, reason=why)
            move_with_audit(
                instance=instance,
                to=request.to,
                by=by,
                reason=why,
                error_message=why,
                finished_at=clock.database_now(),
                paused_until=None,
            )
        case Cancel.GIVE_UP:
            move_with_audit(instance=instance, to=request.to, by=by, reason=why)
        case Cancel.DRAIN:
            _start_nothing_new(instance, request)
        case Cancel.STOP_AND_UNDO:
            stop_tasks(instance_id=instance.pk, reason=why)
            saga.begin(instance=instance, reason=why, by=by)
        case Cancel.UNDO:
            saga.begin(instance=instance, reason=instance.error_message or why, by=by)
        case Cancel.RESUME_UNDO:
            saga.resume(instance=instance, by=by, reason=why)
    if instance.status == InstanceState.COMPENSATING:
        # Should this process die before it pumps, the sweep does. What was stopped is waited for.
        saga.mark_next(instance=instance)


def _start_nothing_new(instance: Instance, request: _Request) -> None:
    undo = {"is_to_compensate": True, "error_message": request.why} if request.compensate else {}
    Instance.objects.filter(pk=instance.pk).update(is_stopping=True, **undo)
    Event.objects.create(
        instance=instance,
        project_id=instance.project_id if request.by else None,
        kind="instance.stopping",
        message=request.why,
        data=signed({"by": request.by, **({"compensate": True} if request.compensate else {})}),
    )
    if not request.compensate:
        # What streams handed on, or still will, is consumed before the instance ends.
        open_waiting_consumers(instance.pk)
    cancel_unstarted(
        instance_id=instance.pk,
        reason=request.why,
        settled=False,
        but=None if request.compensate else _TAKES_BATCHES,
    )


def _follow_up(decision: Cancel, instance: Instance, request: _Request) -> None:
    """Do what the decision brings about elsewhere, after the commit; the sweep would do it too."""
    match decision:
        case Cancel.STOP:
            # A caller may have a transaction open, in which it goes on to start something else.
            db.run_when_committed(partial(_follow_stop, instance, request))
        case Cancel.DRAIN:
            _cancel_children(instance, request, drain=True)
            advance(instance_id=instance.pk, after=[], waiting=None)
            pump()
        case Cancel.STOP_AND_UNDO:
            _cancel_children(instance, request)
            pump()
        case Cancel.UNDO | Cancel.RESUME_UNDO:
            pump()


def _follow_stop(instance: Instance, request: _Request) -> None:
    _cancel_children(instance, request)
    follow_end(instance)
    if instance.is_awaited:
        advance_dependents(instance.pk)


def _cancel_children(instance: Instance, request: _Request, *, drain: bool = False) -> None:
    for child in unfinished_children(instance.pk):
        with suppress(IllegalMove):  # it has just ended
            cancel_instance(given=child, by=request.by, reason=request.why, drain=drain)
