"""What a task's handler may be and answer, as the outcome of its attempt."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Final

from tasks_app.outcomes import Completed, Failed, Interrupted, Outcome, Report
from workers_app.sdk.context import Context
from workers_app.sdk.errors import Stopped, TaskFailed

logger = logging.getLogger("cpds.worker")
Handler = Callable[[Context], Any]
REASON_CHARACTERS: Final = 500
_REPORTED: Final = frozenset(each.name for each in fields(Report))


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a handler may return instead of its bare output, to say what it used.

    ``report`` may hold ``prompt``, ``answer``, ``model``, ``call_id``, ``tokens`` and ``metadata``.
    """

    output: Any = None
    report: Mapping[str, Any] = field(default_factory=dict)


def outcome_of_handler(handler: Handler, *, context: Context) -> Outcome:
    """Call a handler and return how it went, whatever it returns or raises."""
    try:
        answer = handler(context)
        if inspect.isawaitable(answer):
            answer = asyncio.run(_awaited(answer, context))
    except TaskFailed as failure:
        return _failed(failure)
    except (Stopped, asyncio.CancelledError):
        return Interrupted(reason=context.stopping.reason)
    except Exception as error:
        logger.exception("handler_raised task=%s", context.task.get("id"))
        return _failed(TaskFailed(f"The handler raised {type(error).__name__}: {error}"[:REASON_CHARACTERS]))
    match answer:
        case Completed() | Failed() | Interrupted():
            return answer
        case Result():
            return _completed(answer)
    return Completed(output=answer)


def not_taken(why: object) -> Failed:
    """Return the failure of an attempt whose result the server does not take, and never would."""
    return Failed(kind="bad_output", message=f"The result was not taken: {why}"[:REASON_CHARACTERS])


async def _awaited(answer: Awaitable[Any], context: Context) -> Any:
    """Await a handler's coroutine, cancelled when the attempt is to stop."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(answer)

    def cancel() -> None:
        with suppress(RuntimeError):  # the loop may be closed by the time somebody asks
            loop.call_soon_threadsafe(task.cancel)

    context.stopping.on_request(cancel)
    return await task


def _completed(result: Result) -> Completed | Failed:
    unknown = ", ".join(sorted(result.report.keys() - _REPORTED))
    if unknown:
        return not_taken(f"a report holds no {unknown}")
    return Completed(output=result.output, report=Report(**result.report))


def _failed(failure: TaskFailed) -> Failed:
    # What no report holds is left out here: the attempt failed all the same.
    known = {name: value for name, value in failure.report.items() if name in _REPORTED}
    return Failed(
        kind=failure.kind,
        message=str(failure),
        retryable=bool(failure.retryable),
        detail=failure.detail,
        report=Report(**known),
    )
