"""The performing of an attempt, as every kind of worker does it: whatever happens, there is an outcome."""

import logging
from collections.abc import Callable

from tasks_app.outcomes import Failed, Outcome

logger = logging.getLogger(__name__)


def outcome_of(execute: Callable[[], Outcome], *, executor: str, task_id: int) -> Outcome:
    """Return what ``execute`` answers; what it raises fails the attempt, which may be tried again."""
    try:
        return execute()
    except OSError as error:
        return Failed(
            kind="workspace",
            message=f"The attempt's workspace could not be used: {error.strerror or error}.",
            retryable=True,
        )
    except Exception as error:
        logger.exception("executor_raised task=%s executor=%s", task_id, executor)
        return Failed(
            kind="executor_error",
            message=f"The executor {executor} raised {type(error).__name__}; see the worker's log.",
            retryable=True,
        )
