"""The names that only some templates know: an item of a list, the answer of a person."""

from collections.abc import Mapping

from tasks_app.models import Checkpoint
from tasks_app.outcomes import JSON


def roots_of(*, task_id: int, parent_id: int | None, spec: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return what the templates of a task know besides the names that all know."""
    known: dict[str, JSON] = {}
    if "item" in spec:
        known |= {"item": spec["item"], "index": spec["index"]}
    if "approval" in spec:
        known["approval"] = _answer(parent_id or task_id)
    return known


def _answer(task_id: int) -> dict[str, JSON]:
    checkpoint = Checkpoint.objects.filter(task_id=task_id).order_by("-number").first()
    if checkpoint is None:
        return {"by": "", "comment": "", "values": {}}
    return {
        "by": checkpoint.answered_by,
        "comment": checkpoint.comment,
        "values": checkpoint.values,
    }
