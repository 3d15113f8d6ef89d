"""The events of an instance, all there are or as they come."""

from collections.abc import Iterator

from tasks_app.cli.instances import wait
from tasks_app.services import queries
from tasks_app.services.queries.views.events import LoggedEventView

PAGE = 1000
OVERLAP = 1000
"""Event ids that are read again at every look, see Note [Late events]."""


def events_so_far(instance: str) -> Iterator[LoggedEventView]:
    """Yield what happened in an instance until now, in order.

    :raises NotFound: when there is no such instance.
    """
    yield from _after(instance, 0)


# Note [Late events]
# An event's id is given when it is written and seen by others when its transaction commits. On PostgreSQL a
# transaction that began earlier may commit later, so an event can appear behind one that was read already.
# Each look therefore starts some ids before the newest one, and what was seen before is left out.
def follow_events(instance: str) -> Iterator[LoggedEventView]:
    """Yield what happens in an instance until it ends, beginning with what happened so far.

    Events that were committed out of order are yielded late rather than not at all.

    :raises NotFound: when there is no such instance, or no longer.
    """
    seen: set[int] = set()
    floor = 0
    while True:
        # Asked before the events are read: what ended the instance is then among them.
        is_over = wait.patiently(lambda: queries.is_final(given=instance))
        for event in _after(instance, floor):
            if event.id not in seen:
                seen.add(event.id)
                yield event
        if is_over:
            return
        floor = max(floor, max(seen, default=0) - OVERLAP)
        seen = {each for each in seen if each > floor}
        wait.rest(wait.LOOK_EVERY_SECONDS)


def _after(instance: str, last: int) -> Iterator[LoggedEventView]:
    while True:
        page = _page(instance, last)
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].id


def _page(instance: str, last: int) -> list[LoggedEventView]:
    return wait.patiently(lambda: queries.instance_events(given=instance, after=last, limit=PAGE))
