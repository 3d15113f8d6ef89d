"""Schedules for people: the list, and when one fires next."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tasks_app.cli.text import plain, table
from tasks_app.cli.times import shown_time
from tasks_app.services.queries.views.workflows import NextFiresView, ScheduleView


def schedule_table(rows: Sequence[ScheduleView], *, width: int) -> Iterator[Text]:
    """Yield the table of schedules."""
    headings = ("WORKFLOW", "STATE", "NEXT (UTC)", "LAST (UTC)", "OVERLAP", "TIMEZONE", "CRON")
    cells = [
        (
            row.workflow_name,
            Text("Paused", style="yellow") if row.paused else Text("Active", style="green"),
            shown_time(row.next_fire_at),
            shown_time(row.last_fired_at),
            row.overlap,
            row.timezone,
            row.cron,
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def fire_table(found: NextFiresView, *, width: int) -> Iterator[Text]:
    """Yield the times a schedule fires, in UTC and by the clock of its time zone."""
    cells = [
        (shown_time(each.fire_at), each.local[:19].replace("T", " ") + " " + each.local[19:])
        for each in found.fires
    ]
    return table(("UTC", plain(found.timezone)), cells, width=width)
