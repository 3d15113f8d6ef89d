"""Commits of unknown outcome: an error around a commit does not tell whether it went through."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError

from cpds.base import db

R = TypeVar("R")
BROKEN: Final = (InterfaceError, OperationalError)
ONCE: Final = range(1)


def settle_in_doubt(
    act: Callable[[], R],
    *,
    was_done: Callable[[], R | None] | None,
    retries: Iterable[object] = ONCE,
) -> R:
    """Do ``act``, one transaction; when its connection breaks, ask the rows before it is done again.

    ``was_done`` reads what ``act`` writes, by a mark that nobody else writes: it returns what ``act``
    returns, or None when nothing of it is there. None in its place: ``act`` may be done twice.

    ``retries`` has an element for each further attempt; an iterator that waits makes them wait. After
    the last one the error is raised, and whether the act was done stays unknown. Inside a transaction
    of the caller's it is raised at once: that is lost as a whole.
    """
    try:
        return act()
    except BROKEN as error:
        if db.in_transaction():
            raise
        broken: InterfaceError | OperationalError = error
    db.drop_broken_connection()
    for _ in retries:
        try:
            return _ask_or_do(act, was_done or _never)
        except BROKEN as error:
            broken = error
            db.drop_broken_connection()
    raise broken


def _ask_or_do(act: Callable[[], R], was_done: Callable[[], R | None]) -> R:
    done = was_done()
    if done is not None:
        return done
    try:
        return act()
    except BROKEN:
        raise
    except Exception:
        # The first commit may have been under way until now: this one waited for its locks, and is refused.
        done = was_done()
        if done is None:
            raise
        return done


def _never() -> None:
    return None
