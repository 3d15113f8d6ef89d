"""Outcomes: how an attempt's end is recorded, and what follows from it."""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from django.db import InterfaceError, OperationalError
from django.db.models import F

from cpds.base import clock, db
from cpds.base.conf import conf
from cpds.base.in_doubt import settle_in_doubt
from cpds.base.redaction import redact
from tasks_app.errors import StaleDispatch
from tasks_app.models import ExecutionRecord, Instance, Task, hot_path
from tasks_app.models.prepared import stored_json
from tasks_app.outcomes import Outcome, Report
from tasks_app.planning.engine.decisions import Decision, Finish, HandBack, TryAgain, decide
from tasks_app.planning.inputs.secrets import without_secrets
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.attempts.sanitize import record_columns, storable
from tasks_app.services.lookup.alarm import set_alarm
from tasks_app.services.progress.advance import advance, failed_in, follow_up, item_ended, stream_ended
from tasks_app.services.progress.batches import streams_must_end
from tasks_app.services.progress.saga import mark_compensated
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import end_for_good, release_followers, take_back
from tasks_app.states import InstanceState, RecordState, TaskState, WaitKind

logger = logging.getLogger(__name__)

RETRY_PAUSE_SECONDS: Final = 0.5
_resting = threading.Event()


def report_outcome(*, claim: Claim, outcome: Outcome) -> bool:
    """Record how an attempt ended and plan what follows; return whether its task completed.

    A database that is away is waited for, until the lease would have run out:
    the work is paid for.

    :raises StaleDispatch: when the claim is no longer held; nothing was changed.
    """
    outcome = storable(outcome=without_secrets(outcome, known=claim.known_secrets))
    decision = decide(
        outcome, policy=claim.retry, failures=claim.failures, chance=secrets.randbelow(1000) / 1000
    )
    match decision:
        case Finish():
            act = partial(_finish, claim, decision, outcome.report)
            _retry_while_db_down(claim, act, record=decision.record)
        case TryAgain():
            act = partial(_wait_for_another_try, claim, decision, outcome.report)
            _retry_while_db_down(claim, act, record=decision.failure.record)
            set_alarm()
        case HandBack():
            act = partial(_hand_back, claim, decision)
            _retry_while_db_down(claim, act, record=RecordState.INTERRUPTED)
    try:
        _plan_what_follows(claim, decision)
    except (OperationalError, InterfaceError) as error:
        # The outcome is safe; the sweep finds what should follow it.
        db.drop_broken_connection()
        logger.warning("follow_up_postponed task=%s error=%s", claim.task_id, type(error).__name__)
    return isinstance(decision, Finish) and decision.state is TaskState.COMPLETED


def _plan_what_follows(claim: Claim, decision: Decision) -> None:
    match decision:
        case Finish() if claim.parent_id is not None:
            item_ended(
                instance_id=claim.instance_pk,
                task_id=claim.task_id,
                parent_id=claim.parent_id,
                has_failed=decision.state is TaskState.FAILED,
            )
        case Finish() | HandBack() if claim.stream is not None:
            has_failed = isinstance(decision, Finish) and decision.state is TaskState.FAILED
            stream_ended(instance_id=claim.instance_pk, task_id=claim.task_id, has_failed=has_failed)
        case Finish(state=TaskState.COMPLETED):
            follow_up(instance_id=claim.instance_pk, task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        case Finish():
            advance(instance_id=claim.instance_pk, after=[claim.task_id], failed=[claim.task_id])
        case HandBack() | TryAgain():
            if failed := failed_in(instance_id=claim.instance_pk):
                # An instance that stops starts nothing again, not even what had begun.
                advance(instance_id=claim.instance_pk, after=[], failed=failed)
            else:
                pump()


def _finish(claim: Claim, decision: Finish, report: Report) -> None:
    with db.transaction():
        if decision.state is TaskState.COMPLETED:
            _complete(claim, decision)
        else:
            _fail(claim, decision)
        _close_record(claim, decision, report)
        if decision.state is TaskState.COMPLETED and claim.compensates is not None:
            mark_compensated(task_id=claim.compensates)


def _complete(claim: Claim, decision: Finish) -> None:
    output = stored_json(decision.output)
    if not hot_path.COMPLETE.run(task_id=claim.task_id, dispatch_id=claim.dispatch_id, output=output):
        raise StaleDispatch(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
    hot_path.NOTE_MOVE.run(
        task_id=claim.task_id,
        instance_id=claim.instance_pk,
        attempt=claim.attempt,
        kind=f"task.{TaskState.COMPLETED}",
        worker=claim.worker,
        data=stored_json({}),
    )


def _fail(claim: Claim, decision: Finish) -> None:
    moved = Task.objects.held(task_id=claim.task_id, dispatch_id=claim.dispatch_id).move(
        to=decision.state,
        by=claim.worker,
        message=decision.error_message,
        data={"kind": decision.error_kind},
        error_kind=decision.error_kind,
        error_message=decision.error_message,
        lease_expires_at=None,
        finished_at=clock.database_now(),
    )
    if not moved:
        raise StaleDispatch(task_id=claim.task_id, dispatch_id=claim.dispatch_id)


def _wait_for_another_try(claim: Claim, decision: TryAgain, report: Report) -> None:
    failure = decision.failure
    with db.transaction():
        Instance.objects.locked(claim.instance_pk)
        moved = Task.objects.held(task_id=claim.task_id, dispatch_id=claim.dispatch_id).move(
            to=TaskState.WAITING,
            by=claim.worker,
            message=failure.error_message,
            data={"kind": failure.error_kind, "seconds": round(decision.seconds, 3)},
            wait_kind=WaitKind.RETRY,
            wake_at=clock.database_now_plus(decision.seconds),
            reason=f"attempt {claim.attempt} failed: {failure.error_message}",
            error_kind=failure.error_kind,
            error_message=failure.error_message,
            failures=F("failures") + 1,
            dispatch_id=None,
            worker="",
            lease_expires_at=None,
        )
        if not moved:
            raise StaleDispatch(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        _close_record(claim, failure, report)
        release_followers(instance_id=claim.instance_pk, dispatch_ids=[claim.dispatch_id])


def _close_record(claim: Claim, decision: Finish, report: Report) -> None:
    if decision.state is TaskState.COMPLETED and report == Report():
        output = stored_json(decision.output)
        hot_path.CLOSE_RECORD.run(task_id=claim.task_id, dispatch_id=claim.dispatch_id, output=output)
        return
    ExecutionRecord.objects.filter(task_id=claim.task_id, dispatch_id=claim.dispatch_id).update(
        status=decision.record,
        finished_at=clock.database_now(),
        output=decision.output if decision.state is TaskState.COMPLETED else redact(decision.output),
        error_kind=decision.error_kind,
        error_message=decision.error_message,
        error_detail=decision.error_detail,
        **record_columns(report=report),
    )


def _hand_back(claim: Claim, decision: HandBack) -> None:
    with db.transaction():
        instance = Instance.objects.locked(claim.instance_pk)
        if not Task.objects.held(task_id=claim.task_id, dispatch_id=claim.dispatch_id).exists():
            raise StaleDispatch(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        if claim.stream is not None and instance is not None and streams_must_end(instance=instance):
            end_for_good(task_id=claim.task_id, reason=decision.reason)
        else:
            take_back(task_ids=[claim.task_id], reason=decision.reason, is_loss=False)
        if instance is not None and instance.status == InstanceState.PAUSED:
            # Only what may start is ready: resuming looks at it again.
            Task.objects.backlog().filter(pk=claim.task_id).update(ready_at=None)
        release_followers(instance_id=claim.instance_pk, dispatch_ids=[claim.dispatch_id])


def _retry_while_db_down(claim: Claim, act: Callable[[], None], *, record: RecordState) -> None:
    """Do ``act``, which closes the attempt's record as ``record``, before its lease would have run out."""
    settle_in_doubt(
        lambda: _act_once(claim, act, record),
        was_done=lambda: _is_recorded(claim, record) or None,
        retries=_while_lease_holds(claim, clock.monotonic() + conf().lease_seconds),
    )


def _while_lease_holds(claim: Claim, give_up_at: float) -> Iterator[None]:
    while clock.monotonic() < give_up_at:
        logger.warning("outcome_waits_for_database task=%s", claim.task_id)
        _resting.wait(RETRY_PAUSE_SECONDS)
        yield


def _act_once(claim: Claim, act: Callable[[], None], record: RecordState) -> bool:
    """Do ``act``, unless its outcome is on record already: it may be reported twice."""
    try:
        act()
    except StaleDispatch:
        # An interrupted attempt may have been stopped by somebody else: only in doubt is it taken for ours.
        if record is RecordState.INTERRUPTED or not _is_recorded(claim, record):
            raise
    return True


def _is_recorded(claim: Claim, record: RecordState) -> bool:
    return ExecutionRecord.objects.filter(
        task_id=claim.task_id,
        dispatch_id=claim.dispatch_id,
        worker=claim.worker,
        status=record,
        revoked_until__isnull=True,  # else somebody else closed it
    ).exists()
