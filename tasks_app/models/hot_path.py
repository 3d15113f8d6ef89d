"""The statements that every task runs, prepared: take it, finish it, note both, look around.

Each is written with the same QuerySets and moves as everywhere else; see ``prepared``.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, StrIndex
from django.db.models.lookups import GreaterThan

from cpds.base import clock
from cpds.base.conf import conf
from cpds.base.prepared import KEY, SMALL, TEXT, PreparedSelect, Rows
from tasks_app import signals
from tasks_app.models.event import Event
from tasks_app.models.prepared import PreparedInsert, PreparedUpdate
from tasks_app.models.record import ExecutionRecord
from tasks_app.models.task import Task, TaskQuerySet
from tasks_app.states import TASK_UNFINISHED, RecordState, TaskState

Update = tuple[QuerySet[Any], Mapping[str, Any]]

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


def listed(requirements: Collection[str]) -> str:
    """Return the requirement sets a worker meets in the form the claim takes them, as one text."""
    return f"|{'|'.join(sorted(requirements))}|"


def serving(projects: Collection[int] | None) -> str:
    """Return the projects a worker serves (None: any) in the form the claim takes them, as one text."""
    return ANY_PROJECT if projects is None else f"|{'|'.join(map(str, sorted(projects)))}|"


def _claim(*, task_id: int, dispatch_id: str, gate: str, worker: str, able: str, serves: str) -> Update:
    # A list of values would be another statement for each length of it.
    place = StrIndex(Value(able), Concat(Value("|"), F("requirement"), Value("|")))
    is_met = GreaterThan(place, 0)
    wanted = Task.objects.filter(
        pk=task_id,
        dispatch_id=dispatch_id,
        gate=gate,
        status__in=[TaskState.PENDING, TaskState.QUEUED],
    )
    own = StrIndex(Value(serves), Concat(Value("|"), Cast("project_id", CharField()), Value("|")))
    is_served = Q(GreaterThan(own, 0)) | Q(GreaterThan(StrIndex(Value(serves), Value(ANY_PROJECT)), 0))
    return _taken(wanted.filter(Q(requirement="") | Q(is_met)).filter(is_served), worker=worker)


def _claim_offered(*, task_id: int, dispatch_id: str, worker: str) -> Update:
    return _taken(Task.objects.offered().filter(pk=task_id), worker=worker, dispatch_id=dispatch_id)


def _claim_lent(*, task_id: int, dispatch_id: str, worker: str) -> Update:
    wanted = Task.objects.filter(pk=task_id).lent(conf().http_worker_executors)
    return _taken(wanted, worker=worker, dispatch_id=dispatch_id)


def _taken(wanted: TaskQuerySet, *, worker: str, **changes: Any) -> Update:
    return (
        wanted.in_running_instance()
        .satisfied()
        .as_move(
            to=TaskState.RUNNING,
            worker=worker,
            lease_expires_at=clock.database_now_plus(conf().lease_seconds),
            started_at=clock.database_now(),
            progress=None,
            progress_message="",
            reason="",
            attempts=F("attempts") + 1,
            **changes,
        )
    )


def _complete(*, task_id: int, dispatch_id: str, output: Any) -> Update:
    return Task.objects.held(task_id=task_id, dispatch_id=dispatch_id).as_move(
        to=TaskState.COMPLETED,
        output=output,
        error_kind="",
        error_message="",
        lease_expires_at=None,
        finished_at=clock.database_now(),
    )


def _close_record(*, task_id: int, dispatch_id: str, output: Any) -> Update:
    opened = ExecutionRecord.objects.filter(task_id=task_id, dispatch_id=dispatch_id)
    return opened, {
        "status": RecordState.COMPLETED,
        "finished_at": clock.database_now(),
        "output": output,
    }


def _open_record(
    *, task_id: int, number: int, dispatch_id: str, worker: str, executor: str, mode: str
) -> ExecutionRecord:
    return ExecutionRecord(
        task_id=task_id,
        number=number,
        dispatch_id=dispatch_id,
        worker=worker,
        executor=executor,
        mode=mode,
    )


def _note_move(*, task_id: int, instance_id: int, attempt: int, kind: str, worker: str, data: Any) -> Event:
    return Event(
        task_id=task_id, instance_id=instance_id, attempt=attempt, kind=kind, worker=worker, data=data
    )


def _look_around(*, task_id: int, dispatch_id: str) -> QuerySet[Any, Any]:
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


class _EventInsert(PreparedInsert):
    """An INSERT of an event, which goes around the model that passes on that it was written."""

    def run(self, *, using: str = "default", **values: Any) -> Rows:
        rows = super().run(using=using, **values)
        signals.events_written([(values["instance_id"], values["kind"])])
        return rows


_TASK_ID, _INSTANCE_ID, _NUMBER = KEY, KEY + 1, SMALL
_DISPATCH, _WORKER, _GATE = TEXT.format("dispatch"), TEXT.format("worker"), TEXT.format("gate")
_OUTPUT, _EXECUTOR, _MODE, _KIND, _DATA = (
    TEXT.format(word) for word in ("output", "executor", "mode", "kind", "data")
)
_ABLE, _SERVES = TEXT.format("able"), TEXT.format("serves")
_FENCE = {"task_id": _TASK_ID, "dispatch_id": _DISPATCH}

CLAIM = PreparedUpdate(
    _claim,
    returning=CLAIM_COLUMNS,
    examples={**_FENCE, "gate": _GATE, "worker": _WORKER, "able": _ABLE, "serves": _SERVES},
    variant=lambda: conf().lease_seconds,
)
"""Take a task that was published under a dispatch; nothing comes back when it is not to be had."""

CLAIM_OFFERED = PreparedUpdate(
    _claim_offered,
    returning=CLAIM_COLUMNS,
    examples={**_FENCE, "worker": _WORKER},
    variant=lambda: conf().lease_seconds,
)
"""Take a task that is offered to workers that speak HTTP, under a new dispatch."""

CLAIM_LENT = PreparedUpdate(
    _claim_lent,
    returning=CLAIM_COLUMNS,
    examples={**_FENCE, "worker": _WORKER},
    variant=lambda: (conf().lease_seconds, tuple(conf().http_worker_executors)),
)
"""Take a task that such workers may take as well as others, under a new dispatch."""

COMPLETE = PreparedUpdate(_complete, returning=("id",), examples={**_FENCE, "output": _OUTPUT})
"""Complete a task that is held; nothing comes back when it is not."""

CLOSE_RECORD = PreparedUpdate(_close_record, returning=("id",), examples={**_FENCE, "output": _OUTPUT})
"""Close the record of a completed attempt that reported nothing beside its output."""

OPEN_RECORD = PreparedInsert(
    _open_record,
    examples={**_FENCE, "number": _NUMBER, "worker": _WORKER, "executor": _EXECUTOR, "mode": _MODE},
)
"""Open the record of an attempt."""

NOTE_MOVE = _EventInsert(
    _note_move,
    examples={
        "task_id": _TASK_ID,
        "instance_id": _INSTANCE_ID,
        "attempt": _NUMBER,
        "kind": _KIND,
        "worker": _WORKER,
        "data": _DATA,
    },
)
"""Write the event of a task's move."""

LOOK_AROUND = PreparedSelect(_look_around, examples=_FENCE)
"""Whether a completed task has unfinished followers, ready ones outside its canvas, and others wait."""
