"""The names that only some templates know: an item of a list, the answer of a person."""

from tasks_app.models import Checkpoint, Task
from tasks_app.outcomes import JSON


def roots_of(*, task: Task) -> dict[str, JSON]:
    """Return what the templates of this task know besides the names that all know."""
    known: dict[str, JSON] = {}
    if task.parent_id is not None:
        known |= {"item": task.spec["item"], "index": task.item_index}
    if "approval" in task.spec:
        known["approval"] = _answer(task.parent_id or task.pk)
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
