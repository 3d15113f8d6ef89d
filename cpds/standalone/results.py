"""The table of results of one instance."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

SHOWN_TASKS = 200
STYLES = {"completed": "green", "failed": "red", "cancelled": "yellow", "skipped": "dim", "running": "cyan"}


def plain(value: object) -> str:
    """Return text on one line that cannot steer the terminal."""
    text = " ".join(str(value).split())
    return "".join(each if each.isprintable() else "�" for each in text)


def duration(milliseconds: float | None) -> str:
    """Return a duration as people say it: ``850ms``, ``2.5s``, ``2m30s``, ``1h05m``."""
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f}ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1_000:.1f}s"
    minutes, seconds = divmod(round(milliseconds / 1_000), 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def status_text(status: str) -> Text:
    """Return a status in its colour."""
    return Text(status, style=STYLES.get(status, ""))


def results(document: dict[str, Any]) -> RenderableType:
    """Return the table for an instance's final state (the document of ``instance status --json``)."""
    tasks = document["tasks"]
    shown = tasks if len(tasks) <= SHOWN_TASKS else [each for each in tasks if each["status"] != "completed"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("task", "status", "executor", "attempts", "duration", "tokens", "cost", "error"):
        table.add_column(
            heading, justify="right" if heading in {"attempts", "duration", "tokens", "cost"} else "left"
        )
    for each in shown[:SHOWN_TASKS]:
        simulated = " (simulated)" if each.get("simulated") else ""
        table.add_row(
            Text(plain(each["name"])),
            status_text(each["status"]),
            Text(plain(each["executor"]) + simulated),
            str(each["attempts"]),
            duration(each["duration_ms"]),
            "" if each["tokens"] is None else f"{each['tokens']:,}",
            "" if each["cost_usd"] is None else f"${each['cost_usd']:.4f}",
            Text(plain(each["error"]["message"]) if each["error"] else "", overflow="ellipsis"),
        )
    return Group(table, Text(), *_summary(document, hidden=len(tasks) - len(shown[:SHOWN_TASKS])))


def _summary(document: dict[str, Any], *, hidden: int) -> list[Text]:
    progress = document["progress"]
    line = Text.assemble(
        f"{document['id']}  {plain(document['workflow_name'])}  ",
        status_text(document["status"]),
        f"  {progress['completed']} of {progress['total']} tasks completed",
    )
    lines = [line]
    if hidden:
        lines.append(
            Text(f"{hidden} more tasks are not listed; see: manage.py instance status {document['id']}")
        )
    if document.get("error_message"):
        lines.append(Text(plain(document["error_message"]), style="red"))
    return lines
