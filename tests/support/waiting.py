"""Wait for a condition instead of for a time. The only place in the tests that sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST_STEP_SECONDS = 0.1


class StillWaitingError(AssertionError):
    """What a test waited for did not come about in time."""


def wait_until(
    condition: Callable[[], T], *, timeout: float = 10.0, message: str | Callable[[], str] = ""
) -> T:
    """Return the first true value of ``condition``, asked again and again for ``timeout`` seconds.

    ``message`` says what was waited for; a callable is asked only when the wait fails,
    so that it can describe the moment of failure.

    :raises StillWaitingError: when the time is over and the condition is still false.
    """
    deadline = time.monotonic() + timeout
    step = 0.005
    while not (value := condition()):
        if time.monotonic() >= deadline:
            told = message() if callable(message) else message
            raise StillWaitingError(
                f"Waited {timeout:g} s for {told or 'a condition'}; it is still {value!r}."
            )
        time.sleep(step)
        step = min(step * 1.5, LONGEST_STEP_SECONDS)
    return value


def stays_true(condition: Callable[[], object], *, seconds: float) -> bool:
    """Return whether ``condition`` holds each time it is asked during ``seconds``.

    For what must *not* happen; keep the span short, since a passing test always spends all of it.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            return False
        time.sleep(0.02)
    return bool(condition())
