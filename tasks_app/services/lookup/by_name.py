"""Find what a person named: a whole id, the start of one, or a name."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from cpds.base import db
from cpds.base.statements import ModelStatement
from tasks_app.errors import AmbiguousId, NotFound
from tasks_app.models import Instance, Project, Task, Workflow
from tasks_app.models.sql import FOLDER
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.values.values import as_json

Row = TypeVar("Row", bound=Model)
SHOWN = 5
ASKED_AT_ONCE = 500
LONGEST_KEY = 18
"""Digits of a key that every database can compare."""
LAST_KEY = 2**63 - 1
WORKFLOWS = "manage.py workflow list"


def find_workflow(*, given: str, projects: Collection[int] | None = None) -> Workflow:
    """Return the workflow with this id, else the one of this name, else the one whose id starts so.

    ``projects``: the keys of those to look into, as for the others here; None: all.

    :raises NotFound: when nothing fits.
    :raises AmbiguousId: when the start fits several, or several projects have the name.
    """
    if _is_plain(given):
        called = _in(projects, Workflow.objects.filter(Q(public_id=given) | Q(name=given)))
        # A name may look like an id; a whole id is what programs give, and means that one.
        found = sorted(called[: SHOWN + 1], key=lambda each: (each.public_id != given, each.public_id))
        if len(found) > 1 and found[0].public_id != given:
            candidates = ", ".join(each.public_id for each in found[:SHOWN])
            raise AmbiguousId(kind="workflow", given=given, candidates=candidates)
        if found:
            return found[0]
    return _by_id(
        _in(projects, Workflow.objects.all()), given, prefix="wf-", kind="workflow", listing=WORKFLOWS
    )


@db.transaction_required
def lock_workflow(*, workflow: Workflow, to_delete: bool = False) -> Workflow:
    """Lock a workflow that was found before until the transaction ends; return its row as it is now.

    :raises NotFound: when it was deleted meanwhile.
    """
    rows = Workflow.objects.select_for_update() if to_delete else db.locking(Workflow.objects.all())
    locked = rows.filter(pk=workflow.pk).first()
    if locked is None:
        raise NotFound(kind="workflow", given=workflow.name, listing=WORKFLOWS)
    return locked


def find_instance(*, given: str, projects: Collection[int] | None = None) -> Instance:
    """Return the instance with this id or this start of an id.

    :raises NotFound: when nothing fits.
    :raises AmbiguousId: when the start fits several.
    """
    found: Instance = _by_id(
        _in(projects, Instance.objects.select_related("workflow", "version", "project")),
        given,
        prefix="inst-",
        kind="instance",
        listing="manage.py instance list",
    )
    return found


def find_task(*, given: str, projects: Collection[int] | None = None) -> Task:
    """Return the task with this id or number, or the one named by ``INSTANCE/NAME``, with its instance.

    :raises NotFound: when there is no such task or instance.
    :raises AmbiguousId: when a shortened id of an instance fits several, or several projects have the id.
    """
    rows = _in(projects, _shown_tasks())
    own = _called(given, projects) if _is_plain(given) else []
    if len(own) > 1:
        raise AmbiguousId(kind="task", given=given, candidates=", ".join(str(each.pk) for each in own))
    if own:
        return own[0]
    instance, slash, name = given.partition("/")
    listing = "manage.py instance status INSTANCE"
    if slash:
        found = find_instance(given=instance, projects=projects)
        rows = rows.filter(instance=found, name=name) if _is_plain(name) else rows.none()
        listing = f"manage.py instance status {found.public_id}"
    elif is_number(given):
        rows = rows.filter(pk=int(given))
    else:
        rows = rows.none()
    task: Task | None = rows.first()
    if task is None:
        raise NotFound(kind="task", given=given, listing=listing)
    return task


def read_again(task: Task) -> Task:
    """Return a task that was found before as it is now, with its instance and project.

    By its key alone: its number may be the id that somebody chose for another task.

    :raises NotFound: when it was deleted meanwhile.
    """
    found: Task | None = _shown_tasks().filter(pk=task.pk).first()
    if found is None:
        raise NotFound(kind="task", given=task.address, listing="manage.py task list")
    return found


def _shown_tasks() -> TaskQuerySet:
    return Task.objects.select_related("project", "instance__workflow", "instance__version")


def _called(task_id: str, projects: Collection[int] | None) -> list[Task]:
    """Return up to two tasks of this id; most callers have one project, or see all."""
    if projects is not None and len(projects) != 1:
        return list(_in(projects, _shown_tasks()).filter(task_id=task_id)[:2])
    first, last = (0, LAST_KEY) if projects is None else (min(projects), max(projects))
    return _CALLED.found(called=task_id, first_project=first, last_project=last)


def _called_between(*, called: str, first_project: int, last_project: int) -> TaskQuerySet:
    rows: TaskQuerySet = _shown_tasks().filter(
        task_id=called, project_id__gte=first_project, project_id__lte=last_project
    )
    return rows[:2]


_CALLED: ModelStatement[Task] = ModelStatement(
    "find_called",
    folder=FOLDER,
    model=Task,
    along=("project", "instance", "instance__workflow", "instance__version"),
    otherwise=_called_between,
)


def find_tasks(*, project: Project, given: Collection[str]) -> dict[str, Task]:
    """Return the tasks of a project that are called so, as far as there are any.

    Each is called by its id, else by ``INSTANCE/NAME`` with the whole id of its
    instance, else by its number.
    """
    called = [each for each in given if _is_plain(each)]
    rows = Task.objects.filter(project=project, parent__isnull=True, compensates__isnull=True)
    found = _by(rows, "task_id", {each: each for each in called})
    pairs = {tuple(each.split("/", 1)): each for each in called if "/" in each and each not in found}
    for start in range(0, len(pairs), ASKED_AT_ONCE):
        asked = dict(list(pairs.items())[start : start + ASKED_AT_ONCE])
        instances, names = zip(*asked, strict=True)
        within = rows.filter(instance__public_id__in=instances, name__in=names).select_related("instance")
        for task in within:
            if (key := (task.instance.public_id, task.name)) in asked:
                found[asked[key]] = task
    numbers = {int(each): each for each in called if each not in found and is_number(each)}
    return {**_by(rows, "pk", numbers), **found}


def _by(rows: TaskQuerySet, field: str, wanted: Mapping[Any, str]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    keys = list(wanted)
    for start in range(0, len(keys), ASKED_AT_ONCE):
        for task in rows.filter(**{f"{field}__in": keys[start : start + ASKED_AT_ONCE]}):
            found[wanted[getattr(task, field)]] = task
    return found


def is_number(text: str) -> bool:
    """Return whether a text may be a task's number."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_KEY


def _in(projects: Collection[int] | None, rows: "QuerySet[Row]") -> "QuerySet[Row]":
    return rows if projects is None else rows.filter(project__in=sorted(projects))


def _by_id(rows: "QuerySet[Row]", given: str, *, prefix: str, kind: str, listing: str) -> Row:
    start = given if given.startswith(prefix) else prefix + given
    if not given or not _is_plain(given) or start == prefix:
        raise NotFound(kind=kind, given=given, listing=listing)
    found = list(rows.filter(public_id__startswith=start).order_by("public_id")[: SHOWN + 1])
    exact = [row for row in found if row.public_id == start]  # type: ignore[attr-defined]
    if exact:
        return exact[0]
    if not found:
        raise NotFound(kind=kind, given=given, listing=listing)
    if len(found) > 1:
        candidates = ", ".join(row.public_id for row in found[:SHOWN])  # type: ignore[attr-defined]
        raise AmbiguousId(kind=kind, given=given, candidates=candidates)
    return found[0]


def _is_plain(text: str) -> bool:
    """Return whether a database can even be asked for this text."""
    return bool(as_json(text) == text)
