"""The names under which listeners ask for events, and the ledger's kinds behind them. Pure.

A listener may ask by the name that other programs know (``workflow.failed``) or
by the ledger's own kind (``instance.failed``). An event may answer to several
names; it is delivered once, under the most telling one.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from tasks_app.states import InstanceState, TaskState

KINDS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "workflow.started": ("instance.running",),
    "workflow.resumed": ("instance.running",),
    "workflow.completed": ("instance.completed",),
    "workflow.failed": ("instance.failed",),
    "workflow.paused": ("instance.paused",),
    # It ended, and neither completed nor failed: somebody stopped it, or what it did was undone.
    "workflow.terminated": ("instance.cancelled", "instance.compensated"),
    "task.started": ("task.running",),
    "task.success": ("task.completed",),
    "task.failed": ("task.failed",),
    "task.timeout": ("task.failed",),
    "task.retrying": ("task.waiting",),
}
WORKFLOW_EVENTS: Final = frozenset(name for name in KINDS_OF if name.startswith("workflow."))
NATIVE_KINDS: Final = frozenset(
    {
        *(f"instance.{state}" for state in InstanceState),
        *(f"task.{state}" for state in TaskState),
        "instance.stopping",
        "task.progress",
        "task.log",
        "task.retried",
    }
)
ALL_NAMES: Final = frozenset(KINDS_OF) | NATIVE_KINDS
RUNNING_AGAIN_OR_FIRST: Final = "instance.running"


def kinds_wanted(names: Iterable[str]) -> frozenset[str]:
    """Return the ledger's kinds among which these names are to be found."""
    return frozenset(kind for name in names for kind in KINDS_OF.get(name, (name,)))


def names_of(kind: str, data: Mapping[str, Any], *, ran_before: bool) -> tuple[str, ...]:
    """Return every name an event answers to, the most telling first.

    ``ran_before``: whether its instance had been running already.
    """
    match kind:
        case "instance.running":
            return ("workflow.resumed" if ran_before else "workflow.started", kind)
        case "task.failed":
            # A listener of every failure hears of timeouts too.
            return ("task.timeout", kind) if data.get("kind") == "timeout" else (kind,)
        case "task.waiting":
            # Only the wait between attempts has a length; others wait for somebody or something.
            return ("task.retrying", kind) if "seconds" in data else (kind,)
        case _:
            return (*(name for name, kinds in KINDS_OF.items() if kind in kinds), kind)


def name_heard(names: Collection[str], wanted: Collection[str]) -> str | None:
    """Return the name to deliver an event under: the most telling of ``names``, if any of them is wanted."""
    return next(iter(names)) if any(name in wanted for name in names) else None


def backoff_seconds(*, failures: int, first: float, longest: float, asked: float | None) -> float:
    """Return how long to wait after so many failures in a row: twice as long each time.

    ``asked`` is a server's own wish; it is kept when it is the longer one.
    """
    wait = min(longest, first * 2.0 ** min(failures - 1, 60))
    return max(wait, asked or 0.0)
