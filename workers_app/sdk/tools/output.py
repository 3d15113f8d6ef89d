"""What a command printed, as a task's output."""

import json
from enum import StrEnum
from typing import Any

from workers_app.sdk.errors import TaskFailed


class OutputFormat(StrEnum):
    """How a command's standard output is read."""

    AUTO = "auto"
    """JSON if it is, else JSON lines if every line is a JSON object, else text."""
    JSON = "json"
    JSONL = "jsonl"
    """A value on each line; the output is their list."""
    TEXT = "text"


def read_output(text: str, *, form: OutputFormat) -> Any:
    """Return the output that ``text`` stands for.

    :raises TaskFailed: when it is not what ``form`` asks for.
    """
    match form:
        case OutputFormat.TEXT:
            return text.strip()
        case OutputFormat.JSON:
            return _value(text.strip(), what="the output")
        case OutputFormat.JSONL:
            lines = [line for line in text.splitlines() if line.strip()]
            return [_value(line, what=f"line {number}") for number, line in enumerate(lines, start=1)]
        case OutputFormat.AUTO:
            return _guessed(text.strip())


def _guessed(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return text
    return values if all(isinstance(value, dict) for value in values) else text


def _value(text: str, *, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"The command printed no JSON: {what} cannot be read ({error})."
        raise TaskFailed(message, kind="bad_output") from error
