"""The table of tasks on an instance's page."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, excerpted, recall
from tasks_app.admin.shared.sections import Section
from tasks_app.admin.shared.spending import NOTHING_SPENT, Spent, spent_by_task
from tasks_app.models import Dependency, Instance, Task

SHOWN_TASKS: Final = 200
SHOWN_NEEDS: Final = 4
READ_EDGES: Final = 5_000
"""Two full layers of 200 have 40,000 edges; a table that names a few of each task's needs reads no more
than this, and counts the others."""

COLUMNS: Final = (
    "#",
    "Task",
    "Status",
    "Needs",
    "Executor",
    "Duration",
    "Attempts",
    "Worker",
    "Tokens",
    "Cost",
    "",
    "Reason or error",
    "History",
)


def tasks_of(instance: Instance) -> Section:
    """Return an instance's tasks as a table: the first 200, in the order of the definition."""
    rows = excerpted(Task.objects.filter(instance=instance), "reason", "error_message")
    tasks = list(rows.order_by("position")[:SHOWN_TASKS])
    keys = [task.pk for task in tasks]
    needs, spent = _needs(keys), spent_by_task(keys)
    is_cut = instance.task_count > SHOWN_TASKS
    return Section(
        title="Tasks",
        columns=COLUMNS,
        rows=[_row(task, needs.get(task.pk, []), spent.get(task.pk, NOTHING_SPENT)) for task in tasks],
        note=f"The first {SHOWN_TASKS} of {instance.task_count:,} tasks." if is_cut else "",
        more=display.list_link(
            "tasks_app_task", f"All {instance.task_count:,} tasks as a list", instance=instance.public_id
        ),
        empty="It has no tasks.",
    )


def _needs(keys: Sequence[int]) -> dict[int, list[str]]:
    named: dict[int, list[str]] = defaultdict(list)
    edges = Dependency.objects.filter(task_id__in=keys).order_by("id")
    for task_id, name in edges.values_list("task_id", "needed__name")[:READ_EDGES]:
        if len(named[task_id]) < SHOWN_NEEDS:
            named[task_id].append(name)
    return named


def _row(task: Task, needs: list[str], spent: Spent) -> list[str]:
    failure = display.error(task.error_kind, recall(task, "error_message_excerpt"), limit=EXCERPT_CHARACTERS)
    reason = display.beginning(recall(task, "reason_excerpt"), limit=EXCERPT_CHARACTERS)
    return [
        str(task.position + 1),
        display.link(task),
        display.state(task.status),
        display.words(needs, task.fan_in),
        task.executor,
        display.effort(task),
        display.list_link("tasks_app_executionrecord", task.attempts, task=task.pk),
        display.whole(task.worker),
        display.tokens(spent.tokens),
        display.dollars(spent.cost_usd_micros),
        display.simulated(spent.simulated > 0),
        failure or reason,
        display.links(
            display.list_link("tasks_app_executionrecord", "records", task=task.pk),
            display.list_link("tasks_app_event", "events", task=task.pk),
        ),
    ]
