"""Two instances side by side: what each task came to, and where their outputs differ."""

import json
from hashlib import sha256
from itertools import islice
from typing import Annotated, Final

from cpds.base.view import Count, View, one_of
from tasks_app.planning.definition.output.diff import Change, diff_values
from tasks_app.services.queries.instances import instance_status
from tasks_app.services.queries.views.instances import InstanceStatusView, TaskStatusView
from tasks_app.services.queries.views.workflows import ChangeView, change_view
from tasks_app.states import InstanceState, TaskState

DIGITS: Final = 12
DIFFERENCES: Final = 20
"""So many differences of an output are told, and how many there are."""


class ComparedInstanceView(View):
    """One of the two instances as a whole."""

    id: str
    workflow_name: str | None
    workflow_version: int | None
    status: Annotated[str, one_of(InstanceState)]
    duration_ms: int | None
    cost_usd: float | None


class ComparedTaskView(View):
    """What a task came to in one of them. An output is told by the beginning of its SHA-256."""

    status: Annotated[str, one_of(TaskState)]
    duration_ms: int | None
    attempts: int
    tokens: int | None
    cost_usd: float | None
    simulated: bool
    output_digest: str


class PairView(View):
    """A task side by side; null where it is missing."""

    name: str
    a: ComparedTaskView | None
    b: ComparedTaskView | None
    same_output: bool
    difference_count: Count
    differences: list[ChangeView]


class ComparisonView(View):
    """Two instances and, in the order of ``a``, their tasks."""

    a: ComparedInstanceView
    b: ComparedInstanceView
    tasks: list[PairView]


def compare_instances(*, a: str, b: str) -> ComparisonView:
    """Return two instances and their tasks side by side.

    :raises NotFound: when one of them does not exist.
    """
    one, other = instance_status(a), instance_status(b)
    left = {task.name: task for task in one.tasks}
    right = {task.name: task for task in other.tasks}
    return ComparisonView(
        a=_whole(one),
        b=_whole(other),
        tasks=[_pair(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])],
    )


def _whole(status: InstanceStatusView) -> ComparedInstanceView:
    costs = [task.cost_usd for task in status.tasks if task.cost_usd is not None]
    return ComparedInstanceView(
        id=status.id,
        workflow_name=status.workflow_name,
        workflow_version=status.workflow_version,
        status=status.status,
        duration_ms=status.duration_ms,
        cost_usd=sum(costs) if costs else None,
    )


def _pair(name: str, a: TaskStatusView | None, b: TaskStatusView | None) -> PairView:
    changes: list[Change] = []
    total = 0
    if a is not None and b is not None:
        found = diff_values(a.output, b.output)
        changes = list(islice(found, DIFFERENCES))
        total = len(changes) + sum(1 for _ in found)
    return PairView(
        name=name,
        a=_side(a),
        b=_side(b),
        same_output=a is not None and b is not None and total == 0,
        difference_count=total,
        differences=[change_view(change) for change in changes],
    )


def _side(task: TaskStatusView | None) -> ComparedTaskView | None:
    if task is None:
        return None
    text = json.dumps(task.output, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return ComparedTaskView(
        status=task.status,
        duration_ms=task.duration_ms,
        attempts=task.attempts,
        tokens=task.tokens,
        cost_usd=task.cost_usd,
        simulated=task.simulated,
        output_digest=sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGITS],
    )
