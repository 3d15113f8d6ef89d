"""Control many instances at once: choose them, then act on each in a transaction of its own."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from tasks_app.errors import IllegalMove, NotFound, NothingToUndo, RetryTheParent
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.control.selection import Chosen, chosen_instances
from tasks_app.states import INSTANCE_UNFINISHED, InstanceState


class Action(StrEnum):
    """What may be done to many instances."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"


USUAL: Final = {
    Action.PAUSE: frozenset({InstanceState.RUNNING}),
    Action.RESUME: frozenset({InstanceState.PAUSED}),
    Action.CANCEL: INSTANCE_UNFINISHED - {InstanceState.COMPENSATING},
    Action.RETRY: frozenset({InstanceState.FAILED}),
}
"""The states an act is meant for when nobody names one."""


@dataclass(frozen=True, kw_only=True)
class ControlOptions:
    """How to act; each act reads what is its own."""

    by: str = ""
    reason: str = ""
    now: bool = False
    until: datetime | None = None
    drain: bool = False
    compensate: bool = False


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """What became of one instance; ``refusal`` says why nothing was done to it."""

    instance: str
    refusal: str = ""


def choose_instances(*, chosen: Chosen, act: Action, at_most: int | None = None) -> list[str]:
    """Return the ids of the instances that ``chosen`` describes, oldest first.

    Without states: of those that ``act`` is meant for.

    :raises NotFound: when the workflow named does not exist.
    """
    meant = replace(chosen, states=chosen.states or USUAL[act])
    rows = chosen_instances(meant).order_by("pk").values_list("public_id", flat=True)
    return list(rows[:at_most])


def control_instance(*, act: Action, given: str, how: ControlOptions) -> str:
    """Act on one instance; return its id.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    :raises IllegalMove: when its state forbids it.
    """
    return _ACTS[act](given, how)


def control_instances(*, act: Action, instances: Iterable[str], how: ControlOptions) -> Iterator[Controlled]:
    """Act on instances one by one, each in a transaction of its own, and yield what became of each.

    ``instances`` are whole ids. One that moved or went meanwhile is refused by
    name and does not stop the others.
    """
    for public_id in instances:
        yield _control(act, public_id, how)


def _control(act: Action, public_id: str, how: ControlOptions) -> Controlled:
    try:
        _ACTS[act](public_id, how)
    except (IllegalMove, NotFound, NothingToUndo, RetryTheParent) as refusal:
        return Controlled(instance=public_id, refusal=str(refusal))
    return Controlled(instance=public_id)


def _cancel(given: str, how: ControlOptions) -> str:
    return cancel_instance(
        given=given, by=how.by, reason=how.reason, drain=how.drain, compensate=how.compensate
    )


_ACTS: Final[dict[Action, Callable[[str, ControlOptions], str]]] = {
    Action.PAUSE: lambda given, how: pause_instance(
        given=given, by=how.by, reason=how.reason, now=how.now, until=how.until
    ),
    Action.RESUME: lambda given, how: resume_instance(given=given, by=how.by, reason=how.reason),
    Action.CANCEL: _cancel,
    Action.RETRY: lambda given, how: retry_instance(given=given, by=how.by, reason=how.reason),
}
