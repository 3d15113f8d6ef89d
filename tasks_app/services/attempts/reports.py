"""Outcomes: how an attempt's end is recorded, and what follows from it."""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from django.db import InterfaceError, OperationalError

from cpds.base import clock, db
from cpds.base.conf import conf
from cpds.base.in_doubt import settle_in_doubt
from tasks_app.errors import StaleDispatch
from tasks_app.models import ExecutionRecord
from tasks_app.outcomes import Outcome
from tasks_app.planning.engine.decisions import Decision, Finish, HandBack, TryAgain, decide
from tasks_app.planning.inputs.secrets import without_secrets
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.attempts.recording import record_end
from tasks_app.services.attempts.sanitize import sanitize
from tasks_app.services.lookup.alarm import set_alarm
from tasks_app.services.progress.advance import advance, failed_in, follow_up, item_ended, stream_ended
from tasks_app.services.publishing.pump import pump
from tasks_app.states import RecordState, TaskState

logger = logging.getLogger(__name__)

RETRY_PAUSE_SECONDS: Final = 0.5
_resting = threading.Event()


def report_outcome(*, claim: Claim, outcome: Outcome) -> bool:
    """Record how an attempt ended and plan what follows; return whether its task completed.

    A database that is away is waited for, until the lease would have run out:
    the work is paid for.

    :raises StaleDispatch: when the claim is no longer held; nothing was changed.
    """
    outcome = sanitize(without_secrets(outcome, known=claim.known_secrets))
    decision = decide(
        outcome, policy=claim.retry, failures=claim.failures, chance=secrets.randbelow(1000) / 1000
    )
    act = partial(record_end, claim=claim, decision=decision, report=outcome.report)
    _retry_while_db_down(claim, act, record=decision.record)
    if isinstance(decision, TryAgain):
        set_alarm()
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
            if failed := failed_in(claim.instance_pk):
                # An instance that stops starts nothing again, not even what had begun.
                advance(instance_id=claim.instance_pk, after=[], failed=failed)
            else:
                pump()


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
