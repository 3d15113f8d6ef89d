"""One attempt: call the handler, and tell the server how it went, as far as the claim still holds."""

import logging
import time
from contextlib import suppress
from enum import StrEnum

from tasks_app.outcomes import Completed, Failed, Interrupted, Outcome
from workers_app.sdk.backoff import Backoff
from workers_app.sdk.context import Context
from workers_app.sdk.errors import Refused, Unreachable
from workers_app.sdk.handlers import Handler, not_taken, outcome_of_handler
from workers_app.sdk.server import Server
from workers_app.sdk.work import MARGIN, Why, Work

logger = logging.getLogger("cpds.worker")


class Ending(StrEnum):
    """How an attempt ended here."""

    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    ABANDONED = "abandoned"
    """The claim was gone, or could not be reported on: nothing was changed."""


def perform(handler: Handler, *, context: Context, server: Server, worker: str, work: Work) -> Ending:
    """Run ``handler`` and report; return how it ended. Raises nothing."""
    outcome, why = outcome_of_handler(handler, context=context), work.stopping.why
    if why in {Why.LOST, Why.CANCELLED}:
        # Told so that nobody waits for the end of a lease; the answer does not matter.
        with suppress(Refused, Unreachable):
            server.release(worker, work.claim.token, reason=work.stopping.reason)
        return Ending.ABANDONED
    outcome = _as_stopped(outcome, why, timeout_seconds=work.claim.timeout_seconds)
    if not _reported(outcome, server=server, worker=worker, work=work):
        return Ending.ABANDONED
    match outcome:
        case Completed():
            return Ending.COMPLETED
        case Failed():
            return Ending.FAILED
        case Interrupted():
            return Ending.RELEASED


def _as_stopped(outcome: Outcome, why: Why | None, *, timeout_seconds: float | None) -> Outcome:
    """Return what an outcome counts as, given why the attempt was stopped; what is done counts."""
    if isinstance(outcome, Completed):
        return outcome
    match why:
        case Why.SHUTDOWN:
            return Interrupted(reason="the worker was stopped")
        case Why.TIMEOUT:
            message = f"It took longer than {timeout_seconds:g} s."
            return Failed(kind="timeout", message=message, retryable=True, report=outcome.report)
        case None if isinstance(outcome, Interrupted):
            message = "The handler stopped although nobody asked it to."
            return Failed(kind="stopped", message=message, retryable=True, report=outcome.report)
    return outcome


def _reported(outcome: Outcome, *, server: Server, worker: str, work: Work) -> bool:
    """Tell the server, again while it is away and the lease may still hold; return whether it took it."""
    backoff = Backoff(longest_seconds=5.0)
    while True:
        try:
            server.report(worker, work.claim.token, outcome)
        except Unreachable as away:
            # Renewed or not, the work is done: only its lease's very end makes telling it pointless.
            end = work.good_until + work.claim.lease_seconds * MARGIN
            if time.monotonic() >= end:
                logger.warning("result_not_told task=%s: %s", work.claim.task.get("id"), away)
                return False
            time.sleep(backoff.next_seconds(away.retry_after_seconds))
        except (Refused, TypeError, ValueError) as error:
            logger.warning("result_refused task=%s: %s", work.claim.task.get("id"), error)
            if not (isinstance(error, Refused) and (error.is_lost_claim or error.is_unknown_worker)):
                with suppress(Refused, Unreachable):
                    server.report(worker, work.claim.token, _instead_of(outcome, error))
            return False
        else:
            return True


def _instead_of(outcome: Outcome, error: Exception) -> Failed:
    """Return what is told of an attempt whose outcome cannot be sent, or is not taken."""
    if isinstance(outcome, Failed):  # its detail or its report, then: it failed all the same
        return Failed(kind=outcome.kind, message=outcome.message, retryable=outcome.retryable)
    return not_taken(error)
