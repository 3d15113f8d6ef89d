"""What holds the tasks of an instance, as a table on its page."""

from typing import Any, Final

from tasks_app.admin.shared import display
from tasks_app.admin.shared.sections import Section
from tasks_app.models import Instance

SHOWN_TASKS: Final = 50


def holds_of(instance: Instance) -> Section:
    """Return why an unfinished instance waits: what holds it, and what holds its 50 foremost tasks."""
    # Imported late: the services read definitions with a heavy library, and every program imports the admin.
    from tasks_app.services.explain.why import why_instance

    _, holds, tasks = why_instance(given=instance.public_id, limit=SHOWN_TASKS)
    whole = [_row("", each) for each in holds]
    said = {each.sentence for each in holds}
    rows = [
        _row(display.link(task), each)
        for task, of_task in tasks
        for each in of_task
        if each.sentence not in said
    ]
    return Section(
        title="Why it is waiting",
        columns=["Task", "Held by", "Why", "Since", "Until"],
        rows=whole + rows,
        note=f"The foremost {SHOWN_TASKS} tasks." if len(tasks) == SHOWN_TASKS else "",
        empty="Nothing holds it.",
    )


def _row(task: str, hold: Any) -> list[str]:
    until = display.moment(hold.until) if hold.until else "unknown"
    return [task, hold.kind.value.replace("_", " "), hold.sentence, display.moment(hold.since), until]
