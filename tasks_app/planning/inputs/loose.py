"""Tasks that are created on their own: how they are written, and the workflow they amount to.

They are tasks of a workflow that nobody stored, checked by the same rules; only
their name is an id, and a few keys say what a workflow has no use for. Pure.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.checks.catalog import Catalog
from tasks_app.planning.definition.checks.validation import check_definition
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.definition.spec_errors import findings_of
from tasks_app.planning.definition.spec_types import LONGEST_TEXT, Spec
from tasks_app.planning.inputs.task_ids import TaskId
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import Path, described
from tasks_app.planning.values.values import NotJSONError, as_json
from tasks_app.states import EXTERNAL, OnFailure

MAX_LOOSE: Final = 10_000
UNTITLED: Final = "Untitled Task"
CLAUDE: Final = "claude"
DEPLOYMENT_MODES: Final = ("cloud", "standalone", "both")
_WORKFLOW: Final = "tasks"
_OTHER_NAMES: Final = {"executor": "run", "dependencies": "needs", "task_id": "name"}
"""Keys that may be written in place of those a workflow file has."""
_PRIORITIES: Final = {"medium": "normal"}


class LooseKeys(Spec):
    """What only a task created on its own says."""

    task_id: TaskId | None = None
    title: Annotated[str, StringConstraints(max_length=200)] = UNTITLED
    created_by: Annotated[str, StringConstraints(max_length=200)] = ""
    deployment_mode: Literal["cloud", "standalone", "both"] = "both"
    claude_context: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""


@dataclass(frozen=True, kw_only=True)
class LooseTask:
    """One of them, read: its id, its own keys, and the names of keys as they were written."""

    task_id: str
    own: LooseKeys
    written: Mapping[str, str]
    definition: Mapping[str, JSON]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All of a request: its tasks as far as they could be read, and what is wrong with the rest."""

    tasks: tuple[LooseTask, ...] = ()
    findings: tuple[Finding, ...] = ()
    strangers: Mapping[str, list[Path]] = field(default_factory=dict)
    """What is needed and is not in the request, and where it stands."""


def read_loose(raw: Sequence[JSON], *, new_id: Callable[[], str], default_run: str) -> Reading:
    """Return the tasks of a request; ``default_run`` performs those that do not say by what.

    Paths begin with the place of the task in the request. What ``default_run`` is
    given when it is Claude is the task's title, description and context.
    """
    if not 1 <= len(raw) <= MAX_LOOSE:
        message = f"expected 1 to {MAX_LOOSE:,} tasks, found {len(raw):,}"
        return Reading(findings=(Finding(code="bad_value", path=(), message=message),))
    tasks: list[LooseTask] = []
    findings: list[Finding] = []
    for place, each in enumerate(raw):
        read = _read(each, place, new_id, default_run)
        if isinstance(read, LooseTask):
            tasks.append(read)
        else:
            findings += read
    if findings:
        return Reading(findings=tuple(findings))
    ids = {task.task_id for task in tasks}
    strangers: dict[str, list[Path]] = {}
    for place, task in enumerate(tasks):
        needs = task.definition.get("needs")
        for at, need in enumerate(needs if isinstance(needs, list) else ()):
            if isinstance(need, str) and need not in ids:
                strangers.setdefault(need, []).append((place, task.written["needs"], at))
    return Reading(tasks=tuple(tasks), strangers=strangers)


def plan_loose(
    reading: Reading, *, foreign: Collection[str], catalog: Catalog
) -> tuple[WorkflowSpec | None, list[Finding]]:
    """Return the workflow that the tasks of a request amount to, and everything wrong with them.

    ``foreign`` names the tasks elsewhere that they need: each is there to stand for it.
    """
    raw = {
        "name": _WORKFLOW,
        "on_failure": OnFailure.CONTINUE.value,
        "tasks": [
            *(dict(task.definition) for task in reading.tasks),
            *({"name": name, "run": EXTERNAL} for name in sorted(foreign)),
        ],
    }
    spec, findings = check_definition(raw, catalog=catalog)
    return spec, [_as_written(each, reading.tasks) for each in findings]


def _read(raw: JSON, place: int, new_id: Callable[[], str], default_run: str) -> LooseTask | list[Finding]:
    if not isinstance(raw, dict):
        message = f"expected a mapping, found {described(raw)}"
        return [Finding(code="bad_value", path=(place,), message=message)]
    try:
        given = {str(key): as_json(value, path=str(key)) for key, value in raw.items() if value is not None}
    except NotJSONError as error:
        return [Finding(code="not_json", path=(place,), message=str(error).rstrip("."))]
    twice = [
        Finding(
            code="bad_combination",
            path=(place, other),
            message=f"{other} and {key} say the same thing",
            hint="remove one of them",
            at_key=True,
        )
        for other, key in _OTHER_NAMES.items()
        if other in given and key in given
    ]
    if twice:
        return twice
    written = {key: other for other, key in _OTHER_NAMES.items() if other in given}
    given = {_OTHER_NAMES.get(key, key): value for key, value in given.items()}
    mine = {key: given.pop(key) for key in LooseKeys.model_fields if key in given}
    if "name" in given:
        mine["task_id"] = given.pop("name")
    try:
        own = LooseKeys.model_validate(mine)
    except ValidationError as error:
        return [
            Finding(code=each.code, path=(place, *_own_path(each.path, written)), message=each.message)
            for each in findings_of(error, mine)
        ]
    task_id = own.task_id or new_id()
    return LooseTask(
        task_id=task_id,
        own=own,
        written={"needs": "needs", **written},
        definition={"name": task_id, **_completed(given, own, default_run)},
    )


def _own_path(path: Path, written: Mapping[str, str]) -> Path:
    return (written.get("name", "name"), *path[1:]) if path[:1] == ("task_id",) else path


def _completed(given: dict[str, Any], own: LooseKeys, default_run: str) -> dict[str, Any]:
    priority = given.get("priority")
    if isinstance(priority, str):
        given["priority"] = _PRIORITIES.get(priority, priority)
    if "run" not in given and "workflow" not in given:
        given["run"] = default_run
    if given.get("run") == CLAUDE and "with" not in given:
        given["with"] = {"prompt": _prompt(given, own)}
    return given


def _prompt(given: Mapping[str, Any], own: LooseKeys) -> str:
    description = given.get("description")
    parts = [own.title, description if isinstance(description, str) else "", own.claude_context]
    text = "\n\n".join(part for part in parts if part.strip() and part != UNTITLED) or UNTITLED
    # A description is what somebody said, and no template: where it looks like one, it is quoted.
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if "{" in text else text


def _as_written(finding: Finding, tasks: Sequence[LooseTask]) -> Finding:
    """Return a finding with the path and key that the request has for what the definition calls otherwise."""
    match finding.path:
        case ("tasks", int() as place, str() as key, *rest) if place < len(tasks):
            path: Path = (place, tasks[place].written.get(key, key), *rest)
        case ("tasks", *rest):
            path = tuple(rest)
        case _:
            path = finding.path
    return Finding(
        code=finding.code,
        path=path,
        message=finding.message.replace("in this workflow", "in this request or the project"),
        hint=finding.hint,
        at_key=finding.at_key,
    )
