"""Tasks that are created on their own: one, or thousands in one request.

All tasks of a request make one instance that has no workflow and goes on after
a failure. What they need of one another is inside it; what they need of tasks
that exist already is a foreign need.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db import IntegrityError

from cpds.base import clock, db
from tasks_app.errors import InvalidTasks, TaskIdTaken
from tasks_app.models import Instance, Project, Task
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.inputs.loose import CLAUDE, LooseTask, Reading, plan_loose, read_loose
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.pointers import PointedProblem, pointer_of
from tasks_app.services.lookup.by_name import find_tasks
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.lookup.http_workers import has_http_worker
from tasks_app.services.progress.advance import apply_update
from tasks_app.services.progress.foreign import await_tasks, updates_for
from tasks_app.services.publishing.dispatch import mark_first, mark_ready
from tasks_app.services.submit.instances import publish_started
from tasks_app.services.submit.materialize import create_tasks as create_rows
from tasks_app.states import EXTERNAL, InstanceState, OnFailure

ASKED_AT_ONCE: Final = 500


@dataclass(frozen=True, kw_only=True)
class Created:
    """The instance a request became, and the ids of its tasks in the order they were given."""

    instance_id: str
    task_ids: tuple[str, ...]


def create_task(*, task: Mapping[str, JSON], project: Project | None = None, by: str = "") -> Created:
    """Create one task; pointers of problems begin in it.

    :raises InvalidTasks: with every problem there is.
    :raises TaskIdTaken: when the project has a task of its id.
    """
    return _create([task], project, by, base=None)


def create_tasks(
    *, tasks: Sequence[Mapping[str, JSON]], project: Project | None = None, by: str = "", pointer: str = ""
) -> Created:
    """Create up to 10,000 tasks at once, all or none; they may need one another and tasks there are.

    ``pointer`` is where the list stands in what was sent.

    :raises InvalidTasks: with every problem there is.
    :raises TaskIdTaken: when the project has a task of one of their ids.
    """
    return _create(tasks, project, by, base=pointer)


def _create(
    raw: Sequence[Mapping[str, JSON]], given: Project | None, by: str, *, base: str | None
) -> Created:
    project = given or Project.objects.default()
    run = EXTERNAL if has_http_worker(project.pk) else CLAUDE
    reading = read_loose(raw, new_id=_new_id, default_run=run)
    _refuse(reading.findings, base)
    foreign = {
        name: task.pk for name, task in find_tasks(project=project, given=list(reading.strangers)).items()
    }
    spec, findings = plan_loose(reading, foreign=foreign, catalog=connected_fleet())
    _refuse(findings, base)
    assert spec is not None  # noqa: S101 - nothing was found wrong
    _check_ids(project, reading)
    try:
        with db.transaction():
            instance = _insert(project, spec, reading, foreign, by)
    except IntegrityError:
        _check_ids(project, reading)  # somebody else was faster
        raise
    if foreign:
        # A caller may have a transaction open, to store its answer along with the tasks.
        db.run_when_committed(partial(_hear, instance))
    publish_started(instance)
    return Created(instance_id=instance.public_id, task_ids=tuple(task.task_id for task in reading.tasks))


def _hear(instance: Instance) -> None:
    for news in updates_for(instance.pk):
        apply_update(news)


def _insert(
    project: Project, spec: WorkflowSpec, reading: Reading, foreign: Mapping[str, int], by: str
) -> Instance:
    there = await_tasks(foreign.values()) if foreign else []
    gone = sorted(name for name, key in foreign.items() if key not in there)
    if gone:
        raise _invalid([_gone(name, reading.strangers[name][0]) for name in gone])
    instance = Instance.objects.create(
        project=project, task_count=len(reading.tasks), on_failure=OnFailure.CONTINUE
    )
    create_rows(
        instance=instance,
        spec=spec,
        foreign=foreign,
        own={task.task_id: _columns(task, by) for task in reading.tasks},
    )
    Instance.objects.filter(pk=instance.pk).move(
        to=InstanceState.RUNNING, started_at=clock.database_now(), data={"by": by} if by else {}
    )
    if foreign:
        mark_ready(Task.objects.filter(instance=instance))
    else:
        mark_first(instance)
    return instance


def _columns(task: LooseTask, by: str) -> dict[str, Any]:
    own = task.own
    return {
        "task_id": task.task_id,
        "title": own.title,
        "created_by": own.created_by or by,
        "deployment_mode": own.deployment_mode,
        "claude_context": own.claude_context,
    }


def _check_ids(project: Project, reading: Reading) -> None:
    chosen = [task.task_id for task in reading.tasks if task.own.task_id is not None]
    for start in range(0, len(chosen), ASKED_AT_ONCE):
        taken = Task.objects.filter(project=project, task_id__in=chosen[start : start + ASKED_AT_ONCE])
        first = taken.order_by("pk").values_list("task_id", flat=True).first()
        if first is not None:
            raise TaskIdTaken(task_id=first)


def _new_id() -> str:
    return f"TASK-{secrets.token_hex(4).upper()}"


def _gone(name: str, path: tuple[str | int, ...]) -> PointedProblem:
    return PointedProblem(
        pointer=pointer_of(path), code="unknown_task", message=f"task {name!r} is being deleted"
    )


def _refuse(findings: Sequence[Finding], base: str | None) -> None:
    """Raise what was found wrong, if anything; ``base`` is None when one task was sent, and no list."""
    if not findings:
        return
    problems = []
    for finding in findings:
        path = finding.path[1:] if base is None else finding.path
        pointer = pointer_of(path) if base is None else base + pointer_of(path)
        problems.append(
            PointedProblem(pointer=pointer, code=finding.code, message=finding.message, hint=finding.hint)
        )
    raise _invalid(problems)


def _invalid(problems: Sequence[PointedProblem]) -> InvalidTasks:
    return InvalidTasks(problems=list(problems), count=len(problems))
