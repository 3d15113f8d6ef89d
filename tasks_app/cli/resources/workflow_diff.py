"""Compare definitions: what ``workflow diff`` names, and how it says what differs."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.text import Text

from tasks_app.cli.files import STDIN, read_source
from tasks_app.cli.text import plain
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.output.diff import Change
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.services.workflows.definitions import validate_workflow, version_spec

SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
FILES = frozenset({".yaml", ".yml", ".json"})


def named_definition(given: str) -> WorkflowSpec:
    """Return the definition that an id, a name, ``NAME@VERSION`` or a file stands for.

    What looks like a file's path, or is the name of a file here, is a file.

    :raises NotFound: when there is no such workflow or version.
    :raises UnusableInput: when the file cannot be read.
    :raises InvalidWorkflow: when the file holds no valid workflow.
    """
    path = Path(given)
    if given == STDIN or "/" in given or path.suffix in FILES or path.is_file():
        return validate_workflow(read_source(given))
    name, at, number = given.rpartition("@")
    if at and number.isascii() and number.isdecimal() and len(number) < 10:
        return version_spec(workflow=name, number=int(number))
    return version_spec(workflow=given)


def change_lines(changes: Iterable[Change]) -> Iterator[Text]:
    """Yield a line for each change: a sign, the place, and what stood and stands there."""
    for change in changes:
        sign, style = SIGNS[change.kind]
        match change.kind:
            case "added":
                said = _value(change.after)
            case "removed":
                said = _value(change.before)
            case _:
                said = f"{_value(change.before)} → {_value(change.after)}"
        yield Text(f"{sign} {plain(change.path)}: {said}", style=style)


def _value(value: JSON) -> str:
    return plain(json.dumps(value, ensure_ascii=False))
