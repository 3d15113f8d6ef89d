"""Ring for the listeners once what they want to hear is committed. What is lost here the sweep finds."""

from collections.abc import Collection
from functools import partial
from typing import Final

from cpds.base import clock, db
from tasks_app.canvas import publish
from tasks_app.services.listeners.subscriptions import listeners_by_kind
from tasks_app.signals import Written

QUIET_SECONDS: Final = 5.0
"""After a bell that was not taken nobody rings for so long: a broker that is away must not slow instances."""

_quiet_until = float("-inf")


def ring_after_commit(written: Written) -> None:
    """Have the listeners of these events rung for, each once for each instance, when they are committed."""
    by_kind = listeners_by_kind()
    if not by_kind:
        return
    bells = {(listener, instance) for instance, kind in written for listener in by_kind.get(kind, ())}
    if not bells:
        return
    if db.in_transaction():
        db.run_after_commit(partial(_ring_quietly, bells))
    else:
        ring(bells)


def ring(bells: Collection[tuple[str, int]]) -> int:
    """Publish that these listeners have something to hear of these instances; return how many went out."""
    global _quiet_until  # noqa: PLW0603
    if clock.monotonic() < _quiet_until:
        return 0
    rung = 0
    for listener, instance_id in sorted(bells):
        if not publish.ring_listener(listener, instance_id):
            _quiet_until = clock.monotonic() + QUIET_SECONDS
            break
        rung += 1
    return rung


def _ring_quietly(bells: Collection[tuple[str, int]]) -> None:
    ring(bells)
