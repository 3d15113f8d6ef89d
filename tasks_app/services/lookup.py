"""Find what a person named: a whole id, the start of one, or a name."""

from collections.abc import Collection
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from cpds.base import db
from tasks_app.errors import AmbiguousId, NotFound
from tasks_app.models import Instance, Task, Workflow
from tasks_app.planning.values import as_json

Row = TypeVar("Row", bound=Model)
SHOWN = 5
LONGEST_KEY = 18
"""Digits of a key that every database can compare."""
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
    """Return the task with this number, or the one named by ``INSTANCE/NAME``, with its instance.

    :raises NotFound: when there is no such task or instance.
    :raises AmbiguousId: when a shortened id of an instance fits several.
    """
    rows = _in(projects, Task.objects.select_related("instance__workflow", "instance__version"), "instance__")
    instance, slash, name = given.partition("/")
    listing = "manage.py instance status INSTANCE"
    if slash:
        found = find_instance(given=instance, projects=projects)
        rows = rows.filter(instance=found, name=name) if _is_plain(name) else rows.none()
        listing = f"manage.py instance status {found.public_id}"
    elif given.isascii() and given.isdecimal() and len(given) <= LONGEST_KEY:
        rows = rows.filter(pk=int(given))
    else:
        rows = rows.none()
    task: Task | None = rows.first()
    if task is None:
        raise NotFound(kind="task", given=given, listing=listing)
    return task


def _in(projects: Collection[int] | None, rows: "QuerySet[Row]", way: str = "") -> "QuerySet[Row]":
    return rows if projects is None else rows.filter(**{f"{way}project__in": sorted(projects)})


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
