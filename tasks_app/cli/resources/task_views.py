"""Tasks for people: a table of many, and the lines of one."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tasks_app.cli.text import plain, table
from tasks_app.cli.times import NOTHING, shown_time
from tasks_app.cli.words import task_word
from tasks_app.services.queries.views.tasks import TaskDetailView, TaskView


def task_table(rows: Sequence[TaskView], *, width: int) -> Iterator[str | Text]:
    """Yield the table of tasks."""
    headings = ("TASK", "TITLE", "STATUS", "EXECUTOR", "PRIORITY", "WORKER")
    cells = [
        (
            row.task_id or f"{row.instance_id}/{row.name}",
            row.title or NOTHING,
            task_word(row.status),
            row.executor,
            str(row.priority),
            row.worker or NOTHING,
        )
        for row in rows
    ]
    yield from table(headings, cells, width=width)


def task_lines(task: TaskDetailView) -> Iterator[str | Text]:
    """Yield what there is to say of one task."""
    yield Text(f"{plain(task.task_id or task.name)} of {task.instance_id}: ").append_text(
        task_word(task.status)
    )
    told = {
        "Title": task.title,
        "Description": task.description,
        "Number": str(task.id),
        "Executor": task.executor,
        "Priority": str(task.priority),
        "Needs": ", ".join(task.needs),
        "Requires": ", ".join(task.requires),
        "Tags": ", ".join(task.tags),
        "Created": shown_time(task.created_at),
        "Created by": task.created_by,
        "Worker": task.worker,
        "Attempts": str(task.attempts),
        "Reason": task.reason,
        "Error": f"{task.error.kind}: {task.error.message}" if task.error else None,
    }
    for name, value in told.items():
        if value:
            yield f"  {name}: {plain(value)}"
