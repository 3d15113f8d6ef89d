"""What the hot path does, with QuerySets: for databases whose UPDATE cannot return what it changed.

Each function does what the statement of its name does; see ``hot_path``.
"""

import json
from collections.abc import Collection
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from cpds.base import clock
from cpds.base.statements import Rows
from tasks_app.models.event import Event
from tasks_app.models.record import ExecutionRecord
from tasks_app.models.returning import update_returning
from tasks_app.models.task import Task, TaskQuerySet
from tasks_app.states import EXTERNAL, TASK_UNFINISHED, RecordState, TaskState

ANY_PROJECT = "*"
CLAIM_COLUMNS = (
    "instance_id",
    "attempts",
    "failures",
    "name",
    "compensates_id",
    "executor",
    "spec",
    "timeout_seconds",
    "parent_id",
)


def listed(words: Collection[Any]) -> str:
    """Return words as one text, as the statements take them: lists would be a statement for each length."""
    return f"|{'|'.join(sorted(map(str, words)))}|"


def serving(projects: Collection[int] | None) -> str:
    """Return the projects a worker serves (None: any) in the form the claim takes them, as one text."""
    return ANY_PROJECT if projects is None else listed(projects)


def claim_task(*, able: str, serves: str, gate: str, task_id: int, dispatch_id: str, **more: Any) -> Rows:
    wanted = Task.objects.filter(
        Q(requirement="") | Q(requirement__in=able.split("|")), pk=task_id, dispatch_id=dispatch_id, gate=gate
    )
    if serves != ANY_PROJECT:
        wanted = wanted.filter(project__in=[int(key) for key in serves.split("|") if key])
    return _taken(wanted, **more)


def claim_without_message(*, task_id: int, executors: str, **more: Any) -> Rows:
    wanted = Task.objects.filter(pk=task_id).exclude(status=TaskState.QUEUED, executor=EXTERNAL)
    return _taken(wanted.lent(executors.split("|")), **more)


def _taken(wanted: TaskQuerySet, *, lease_seconds: float, **changes: Any) -> Rows:
    allowed, move = (
        wanted.in_running_instance()
        .satisfied()
        .as_move(
            to=TaskState.RUNNING,
            lease_expires_at=clock.database_now_plus(lease_seconds),
            started_at=clock.database_now(),
            progress=None,
            progress_message="",
            reason="",
            attempts=F("attempts") + 1,
            **changes,
        )
    )
    return update_returning(allowed, move, CLAIM_COLUMNS)


def complete_task(*, task_id: int, dispatch_id: str, output: str) -> Rows:
    held, move = Task.objects.held(task_id=task_id, dispatch_id=dispatch_id).as_move(
        to=TaskState.COMPLETED,
        output=json.loads(output),
        error_kind="",
        error_message="",
        lease_expires_at=None,
        finished_at=clock.database_now(),
    )
    return update_returning(held, move, ("id",))


def open_record(**values: Any) -> Rows:
    ExecutionRecord.objects.create(**values)
    return []


def close_record(*, task_id: int, dispatch_id: str, output: str) -> Rows:
    ExecutionRecord.objects.filter(task_id=task_id, dispatch_id=dispatch_id).update(
        status=RecordState.COMPLETED, finished_at=clock.database_now(), output=json.loads(output)
    )
    return []


def note_move(*, data: str, **values: Any) -> Rows:
    # Not by its own QuerySet, which passes on that an event was written, as the caller does.
    plain: QuerySet[Event] = QuerySet(Event)
    plain.bulk_create([Event(data=json.loads(data), **values)])
    return []


def look_around(*, task_id: int, dispatch_id: str) -> "QuerySet[Any, Any]":
    followers = Task.objects.filter(needs__needed_id=task_id, status__in=sorted(TASK_UNFINISHED))
    elsewhere = followers.filter(status=TaskState.PENDING).exclude(dispatch_id=dispatch_id)
    around: QuerySet[Any, Any] = (
        Task.objects.filter(pk=task_id)
        .annotate(
            unfinished=Exists(followers.of_instance(OuterRef("instance_id"))),
            ready=Exists(elsewhere.satisfied()),
            backlog=Exists(Task.objects.backlog()),
        )
        .values_list("unfinished", "ready", "backlog")
    )
    return around
