"""How values look: states, spans, money, JSON, texts, links. Everything dynamic is escaped."""

import json
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cpds.base import clock
from tasks_app.planning.values.durations import format_duration
from tasks_app.states import TaskState

NOTHING: Final = "–"
SHOWN_CHARACTERS: Final = 20_000
"""A page shows this much of a text: enough to read, and a browser stays quick."""

ICONS: Final = {
    "pending": "○",
    "queued": "◔",
    "running": "▶",
    "waiting": "◷",
    "paused": "‖",
    "completed": "✔",
    "failed": "✘",
    "cancelled": "⊘",
    "skipped": "↷",
    "compensating": "↺",
    "compensated": "↩",
    "interrupted": "⏏",
    "lost": "⚠",
    "alive": "●",
    "silent": "⚠",
    "left": "○",
    "idle": "●",
    "online": "●",
    "busy": "●",
    "draining": "◐",
    "offline": "○",
}
"""A sign beside each word, so that colour never stands alone."""


def state(word: str) -> SafeString:
    """Return a state as sign, word and colour."""
    known = word if word in ICONS else "unknown"
    return format_html(
        '<span class="cpds-state cpds-{}"><span aria-hidden="true">{}</span> {}</span>',
        known,
        ICONS.get(word, "?"),
        word,
    )


def kind(word: str) -> SafeString:
    """Return an event's kind; a move's state looks as it does elsewhere."""
    subject, _, what = word.partition(".")
    if what in ICONS:
        return format_html("{} {}", subject, state(what))
    return format_html("{}", word)


def simulated(is_simulated: bool | None) -> str:
    """Return the mark of what a rehearsal made, or nothing."""
    if not is_simulated:
        return ""
    return format_html(
        '<span class="cpds-simulated" title="Made in rehearsal: no model was asked">{}</span>', "◇ simulated"
    )


def span(start: datetime | None, end: datetime | None) -> str:
    """Return a span such as ``2m30s``; of what still runs, the span so far."""
    if start is None:
        return NOTHING
    seconds = ((end or clock.now()) - start).total_seconds()
    text = format_duration(seconds, precise=True)
    return text if end else f"{text} so far"


def effort(task: Any) -> str:
    """Return how long the last attempt of a task took, or has taken; nothing while it waits for another."""
    is_over_or_on = task.finished_at or task.status in (TaskState.RUNNING, TaskState.COMPENSATING)
    return span(task.started_at, task.finished_at) if is_over_or_on else NOTHING


def seconds(number: float | None) -> str:
    """Return a number of seconds as a span."""
    return NOTHING if number is None else format_duration(number, precise=True)


def dollars(micros: int | None) -> str:
    """Return millionths of a dollar as dollars: two decimals, and more only where they matter."""
    if micros is None:
        return NOTHING
    whole, rest = divmod(micros, 1_000_000)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"${whole:,}.{decimals}"


def tokens(count: int | None) -> str:
    """Return a number of tokens with its thousands apart."""
    return NOTHING if count is None else f"{count:,}"


def text(value: str | None) -> str:
    """Return a text as it is, line by line, escaped; its beginning when it is very long."""
    if not value:
        return NOTHING
    return _block(value[:SHOWN_CHARACTERS], is_cut=len(value) > SHOWN_CHARACTERS)


def pretty(value: Any) -> str:
    """Return a JSON value indented and escaped; its beginning when it is very long."""
    if value is None:
        return NOTHING
    # Written piece by piece: a value of many megabytes is not spelled out only to be cut.
    written, length = [], 0
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False, default=str).iterencode(value):
        written.append(piece)
        length += len(piece)
        if length > SHOWN_CHARACTERS:
            break
    return _block("".join(written)[:SHOWN_CHARACTERS], is_cut=length > SHOWN_CHARACTERS)


def _block(shown: str, *, is_cut: bool) -> SafeString:
    # A browser drops one newline right after <pre>; this one is for it, so that a text keeps its own.
    block = format_html('<pre class="cpds-text" tabindex="0">\n{}</pre>', shown)
    if not is_cut:
        return block
    note = f"Only the first {SHOWN_CHARACTERS:,} characters are shown."
    return format_html('{}<p class="cpds-note">{}</p>', block, note)


def progress(done: int, total: int, *, failed: int = 0) -> SafeString:
    """Return a bar with its numbers in words."""
    return format_html(
        '<span class="cpds-progress"><progress value="{}" max="{}" aria-label="tasks done"></progress> '
        "{} of {}{}</span>",
        done,
        max(total, 1),
        done,
        total,
        f", {failed} failed" if failed else "",
    )


def whole(value: str) -> str:
    """Return a short text that a narrow table must not break into lines."""
    return format_html('<span class="cpds-whole">{}</span>', value) if value else NOTHING


def beginning(value: str | None, *, limit: int) -> str:
    """Return a text on one line, cut with an ellipsis where the database may have cut it."""
    line = " ".join((value or "").split())
    return f"{line[: limit - 1]}…" if len(line) >= limit else line


def words(names: list[str], total: int) -> str:
    """Return names as a sentence would list them, with how many of ``total`` it leaves out."""
    left_out = total - len(names)
    if not names:
        return f"{total} tasks" if total else NOTHING
    listed = ", ".join(names)
    return f"{listed} and {left_out:,} more" if left_out > 0 else listed


def link(obj: Model, label: object | None = None) -> SafeString:
    """Return a link to an object's page."""
    options = obj._meta  # noqa: SLF001
    address = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[obj.pk])
    return format_html('<a href="{}">{}</a>', address, str(obj) if label is None else label)


def list_link(table: str, label: object, **chosen: object) -> SafeString:
    """Return a link to the list of ``app_model``, narrowed to what ``chosen`` says."""
    address = reverse(f"admin:{table}_changelist")
    asked = urlencode(chosen)
    return format_html('<a href="{}">{}</a>', f"{address}?{asked}" if asked else address, label)


def links(*shown: str) -> SafeString:
    """Return links side by side."""
    return format_html_join(" · ", "{}", ((each,) for each in shown))


def ago(at: datetime | None) -> str:
    """Return how long ago something was, or that it never was."""
    return (
        "never" if at is None else f"{format_duration((clock.now() - at).total_seconds(), precise=True)} ago"
    )


def moment(at: datetime | None) -> str:
    """Return a time to the second, in the zone the site is shown in."""
    return NOTHING if at is None else timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def error(kind_of_error: str, message: str | None, *, limit: int) -> str:
    """Return an error on one line: its kind, then the beginning of its message."""
    line = beginning(message, limit=limit)
    return f"{kind_of_error}: {line}" if kind_of_error and line else kind_of_error or line
