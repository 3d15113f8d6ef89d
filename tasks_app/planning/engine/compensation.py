"""What an undo is called, what it is given, and how a compensation that failed is told. Pure."""

from collections.abc import Collection, Sequence
from typing import Final

from tasks_app.planning.templates.rendering import references
from tasks_app.planning.values.stored_spec import StoredSpec

LONGEST_NAME: Final = 200
"""As long as the name of any task. Not taken from ``spec_types``, whose library is heavy to import."""

SHOWN_NAMES: Final = 10
SHOWN_NAME: Final = 100
SHOWN_CAUSE: Final = 1000


def undo_names(names: Sequence[str], *, taken: Collection[str]) -> list[str]:
    """Return a name for the undo of each task: unlike every other, and no longer than a name may be."""
    known = set(taken)
    found = []
    for name in names:
        wanted = undo = f"undo {name}"[:LONGEST_NAME]
        number = 1
        while undo in known:
            number += 1
            mark = f" ({number})"
            undo = wanted[: LONGEST_NAME - len(mark)] + mark
        known.add(undo)
        found.append(undo)
    return found


def undo_spec(done: StoredSpec) -> StoredSpec:
    """Return what a worker needs to know of the undo of a completed task: own arguments, its retries."""
    arguments = done["compensate"].get("with", {})
    spec: StoredSpec = {"with": arguments, "reads": sorted(references(arguments).tasks)}
    if "retry" in done:
        spec["retry"] = done["retry"]
    if "item" in done:
        spec["item"], spec["index"] = done["item"], done["index"]
    if "batch" in done:
        spec["batch"] = done["batch"]
    return spec


def failure_sentence(*, cause: str, culprit: str, undone: Sequence[str], not_undone: Sequence[str]) -> str:
    """Return what a failed compensation leaves behind; long lists are cut, and say so."""
    parts = [
        shortened(cause, SHOWN_CAUSE),
        f"The compensation failed at {shortened(culprit, SHOWN_CAUSE)}" if culprit else "",
        f"Undone: {_listed(undone)}",
        f"Not undone: {_listed(not_undone)}",
    ]
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def shortened(text: str, length: int) -> str:
    """Return a text, cut when it is longer than ``length``."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    shown = ", ".join(shortened(name, SHOWN_NAME) for name in names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
