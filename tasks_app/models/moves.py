"""The only writer of ``status``: it moves rows and writes the events, in one transaction.

The hot statements (``hot_path``) move rows as well; a test compares them with moves made here.

A move is one conditional UPDATE. Rows whose state forbids it, or that no longer
fit the caller's filter, are left as they are and missing from the answer; a
caller that needs the move compares the answer with what it asked for.

Lock order: callers that move several tasks hold the instance's lock; callers
that hold none move a single task. So no two movers can wait for each other.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.db import models
from django.db.models import F

from cpds.base import db
from cpds.base.origin import signed
from tasks_app import states
from tasks_app.models.returning import update_returning
from tasks_app.states import InstanceState, TaskState

SATISFIES: Final[Mapping[TaskState, bool | F | None]] = {
    TaskState.PENDING: None,
    TaskState.COMPLETED: True,
    TaskState.FAILED: F("allow_failure"),
    TaskState.SKIPPED: False,
    TaskState.CANCELLED: False,
}
"""What a state says to those who need the task; a skip that does satisfy is said by its mover."""


class MovedTask(NamedTuple):
    """A task that moved."""

    pk: int
    instance_id: int
    attempts: int


class TaskMoves(models.QuerySet[Any]):
    """Moves of tasks."""

    def as_move(self, *, to: TaskState, **changes: Any) -> "tuple[TaskMoves, dict[str, Any]]":
        """Return the rows of these that may move to ``to``, and what the move changes; no event yet."""
        said = {"satisfies": SATISFIES[to]} if to in SATISFIES else {}
        allowed = self.filter(status__in=sorted(states.task_sources(to)))
        return allowed, {"status": to, **said, **changes}

    @db.transaction_required
    def move(
        self,
        *,
        to: TaskState,
        by: str = "",
        message: str = "",
        data: Mapping[str, Any] | None = None,
        audited_in: int | None = None,
        **changes: Any,
    ) -> list[MovedTask]:
        """Move these tasks to ``to``, apply ``changes``, and record one event for each.

        ``by`` names the worker in the events. ``audited_in``: the key of the project, when
        ``data`` says by whom of its people it was done.

        :returns: the tasks that moved.
        :raises TransactionRequired: if no transaction is open.
        """
        rows = update_returning(*self.as_move(to=to, **changes), ("id", "instance_id", "attempts"))
        moved = sorted(MovedTask(*row) for row in rows)
        told = signed(data or {})
        event = apps.get_model("tasks_app", "Event")
        event.objects.bulk_create(
            [
                event(
                    instance_id=task.instance_id,
                    task_id=task.pk,
                    kind=f"task.{to}",
                    attempt=task.attempts or None,
                    worker=by,
                    message=message,
                    data=told,
                    project_id=audited_in if told.get("by") else None,
                )
                for task in moved
            ],
            batch_size=500,
        )
        return moved


class InstanceMoves(models.QuerySet[Any]):
    """Moves of instances."""

    @db.transaction_required
    def move(
        self, *, to: InstanceState, message: str = "", data: Mapping[str, Any] | None = None, **changes: Any
    ) -> list[int]:
        """Move these instances to ``to``, apply ``changes``, and record one event for each.

        Where ``data`` says ``by`` whom, the event is part of the project's audit.

        :returns: the keys of the instances that moved.
        :raises TransactionRequired: if no transaction is open.
        """
        allowed = self.filter(status__in=sorted(states.instance_sources(to)))
        rows = sorted(update_returning(allowed, {"status": to, **changes}, ("id", "project_id")))
        told = signed(data or {})
        event = apps.get_model("tasks_app", "Event")
        event.objects.bulk_create(
            [
                event(
                    instance_id=key,
                    kind=f"instance.{to}",
                    message=message,
                    data=told,
                    project_id=project_id if told.get("by") else None,
                )
                for key, project_id in rows
            ]
        )
        return [key for key, _ in rows]
