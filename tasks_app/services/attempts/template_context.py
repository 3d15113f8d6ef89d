"""The names that only some templates know: an item of a list, the answer of a person."""

from tasks_app.models import Checkpoint
from tasks_app.outcomes import JSON
from tasks_app.planning.values.stored_spec import StoredSpec


def roots_of(*, task_id: int, parent_id: int | None, spec: StoredSpec) -> dict[str, JSON]:
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
