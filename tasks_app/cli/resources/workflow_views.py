"""Workflows for people: the list, and one in full."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tasks_app.cli.text import plain, table
from tasks_app.cli.times import shown_time
from tasks_app.services.queries.views.workflows import WorkflowDocumentView, WorkflowRowView


def workflow_table(rows: Sequence[WorkflowRowView], *, width: int) -> Iterator[Text]:
    """Yield the table of workflows."""
    cells = [(row.id, row.name, str(row.task_count), shown_time(row.created_at)) for row in rows]
    return table(("ID", "NAME", "TASKS", "CREATED"), cells, width=width)


def workflow_lines(detail: WorkflowDocumentView, *, width: int) -> Iterator[str | Text]:
    """Yield a workflow with its tasks, what each needs, and its versions."""
    yield f"Workflow: {plain(detail.name)}"
    yield f"ID:       {detail.id}"
    yield f"Version:  {detail.version}"
    yield f"Created:  {shown_time(detail.created_at)}"
    if detail.description:
        yield f"About:    {plain(detail.description)}"
    yield ""
    yield "Tasks:"
    tasks = [(task.name, task.run or "", ", ".join(task.needs) or "-") for task in detail.tasks]
    yield from _indented(table(("NAME", "RUN", "NEEDS"), tasks, width=width - 2))
    yield ""
    yield "Versions:"
    versions = [
        (str(each.version), str(each.task_count), shown_time(each.created_at))
        for each in reversed(detail.versions)
    ]
    yield from _indented(table(("VERSION", "TASKS", "CREATED"), versions, width=width - 2))


def _indented(lines: Iterator[Text]) -> Iterator[Text]:
    for line in lines:
        yield Text("  ") + line
