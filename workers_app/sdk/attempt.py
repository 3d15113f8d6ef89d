"""One attempt: call the handler, and tell the server how it went, as far as the claim still holds."""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from workers_app.sdk.backoff import Backoff
from workers_app.sdk.context import Context
from workers_app.sdk.errors import Refused, Stopped, TaskFailed, Unreachable
from workers_app.sdk.server import Server
from workers_app.sdk.stopping import Why
from workers_app.sdk.texts import failure_kind, failure_message
from workers_app.sdk.work import MARGIN, Work

logger = logging.getLogger("cpds.worker")
Handler = Callable[[Context], Any]
REASON_CHARACTERS: Final = 500


class Ending(StrEnum):
    """How an attempt ended here."""

    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    ABANDONED = "abandoned"
    """The claim was gone, or could not be reported on: nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a handler may return instead of its bare output, to say what it used.

    ``report`` may hold ``prompt``, ``answer``, ``model``, ``call_id``, ``tokens`` and ``metadata``.
    """

    output: Any = None
    report: Mapping[str, Any] = field(default_factory=dict)


def perform(handler: Handler, *, context: Context, server: Server, worker: str, work: Work) -> Ending:
    """Run ``handler`` and report; return how it ended. Raises nothing."""
    told: Result | TaskFailed
    try:
        value = _called(handler, context)
        told = value if isinstance(value, Result) else Result(output=value)
    except TaskFailed as failure:
        told = failure
    except (Stopped, asyncio.CancelledError):
        told = TaskFailed("The handler stopped although nobody asked it to.", kind="stopped")
    except Exception as error:
        logger.exception("handler_raised task=%s", work.claim.task.get("id"))
        told = TaskFailed(f"The handler raised {type(error).__name__}: {error}"[:REASON_CHARACTERS])
    return _report(told, server=server, worker=worker, work=work)


def _called(handler: Handler, context: Context) -> Any:
    answer = handler(context)
    return asyncio.run(_awaited(answer, context)) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Awaitable[Any], context: Context) -> Any:
    """Await a handler's coroutine, cancelled when the attempt is to stop."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(answer)

    def cancel() -> None:
        with suppress(RuntimeError):  # the loop may be closed by the time somebody asks
            loop.call_soon_threadsafe(task.cancel)

    context.stopping.on_request(cancel)
    return await task


def _report(told: Result | TaskFailed, *, server: Server, worker: str, work: Work) -> Ending:
    token = work.claim.token
    match work.stopping.why:
        case Why.LOST | Why.CANCELLED:
            # Told so that nobody waits for the end of a lease; the answer does not matter.
            with suppress(Refused, Unreachable):
                server.release(worker, token, reason=work.stopping.reason)
            return Ending.ABANDONED
        case Why.SHUTDOWN if isinstance(told, TaskFailed):
            ending, tell = (
                Ending.RELEASED,
                lambda: server.release(worker, token, reason="the worker was stopped"),
            )
        case Why.TIMEOUT if isinstance(told, TaskFailed):
            seconds = work.claim.timeout_seconds
            late = TaskFailed(f"It took longer than {seconds:g} s.", kind="timeout", report=told.report)
            ending, tell = Ending.FAILED, lambda: server.fail(worker, token, facts=_facts(late))
        case _ if isinstance(told, TaskFailed):
            failure = told
            ending, tell = Ending.FAILED, lambda: server.fail(worker, token, facts=_facts(failure))
        case _:
            result = told
            ending, tell = (
                Ending.COMPLETED,
                lambda: server.complete(worker, token, output=result.output, report=result.report),
            )
    if _told_patiently(tell, server=server, worker=worker, work=work, instead=_instead_of(told)):
        return ending
    return Ending.ABANDONED


def _told_patiently(
    tell: Callable[[], None],
    *,
    server: Server,
    worker: str,
    work: Work,
    instead: Callable[[Exception], TaskFailed],
) -> bool:
    """Tell the server, again while it is away and the lease may still hold; return whether it took it.

    ``instead``: what it is told when it does not take this, and would never.
    """
    backoff = Backoff(longest_seconds=5.0)
    while True:
        try:
            tell()
        except Unreachable as away:
            # Renewed or not, the work is done: only its lease's very end makes telling it pointless.
            end = work.good_until + work.claim.lease_seconds * MARGIN
            if time.monotonic() >= end:
                logger.warning("result_not_told task=%s: %s", work.claim.task.get("id"), away)
                return False
            time.sleep(backoff.next_seconds(away.retry_after_seconds))
        except Refused as refused:
            logger.warning("result_refused task=%s: %s", work.claim.task.get("id"), refused)
            if not (refused.is_lost_claim or refused.is_unknown_worker):
                _fail(instead(refused), server=server, worker=worker, work=work)
            return False
        except (TypeError, ValueError) as error:
            _fail(instead(error), server=server, worker=worker, work=work)
            return False
        else:
            return True


def _instead_of(told: Result | TaskFailed) -> Callable[[Exception], TaskFailed]:
    """Return what is told of an attempt whose result cannot be sent, or is not taken."""
    if isinstance(told, TaskFailed):  # its detail or its report, then: it failed all the same
        bare = TaskFailed(str(told), kind=told.kind, retryable=told.retryable)
        return lambda _error: bare
    return lambda error: TaskFailed(
        f"The result was not taken: {error}"[:REASON_CHARACTERS], kind="bad_output", retryable=False
    )


def _fail(failure: TaskFailed, *, server: Server, worker: str, work: Work) -> None:
    with suppress(Refused, Unreachable):
        server.fail(worker, work.claim.token, facts=_facts(failure))


def _facts(failure: TaskFailed) -> dict[str, Any]:
    return {
        "kind": failure_kind(failure.kind),
        "message": failure_message(failure),
        "retryable": bool(failure.retryable),
        "detail": failure.detail,
        "report": failure.report,
    }
