"""The only writer of ``status``: it moves rows and writes the events, in one transaction.

A move is one conditional UPDATE. Rows whose state forbids it, or that no longer
fit the caller's filter, are left as they are and missing from the answer; a
caller that needs the move compares the answer with what it asked for.

Lock order: callers that move several tasks hold the instance's lock; callers
that hold none move a single task. So no two movers can wait for each other.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models.sql import UpdateQuery

from cpds.base import db
from tasks_app import states
from tasks_app.states import InstanceState, TaskState


class MovedTask(NamedTuple):
    """A task that moved."""

    pk: int
    instance_id: int
    attempts: int


def update_returning(
    queryset: models.QuerySet[Any], changes: Mapping[str, Any], returning: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Update the rows of ``queryset`` and return columns of those that changed, in one statement.

    Databases without ``UPDATE … RETURNING`` (MySQL) lock and read the rows first;
    there the columns are as they were before the update.
    """
    connection = connections[queryset.db]
    if not connection.features.can_return_columns_from_insert or connection.vendor == "mysql":
        rows = list(queryset.select_for_update().values_list("pk", *returning))
        queryset.model._default_manager.filter(pk__in=[row[0] for row in rows]).update(**changes)  # noqa: SLF001
        return [row[1:] for row in rows]
    query = cast("UpdateQuery", queryset.query.chain(UpdateQuery))
    query.add_update_values(dict(changes))
    try:
        statement, params = query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:  # the filter can fit no row, for example an empty list of keys
        return []
    meta = queryset.model._meta  # noqa: SLF001
    columns = ", ".join(
        f"{connection.ops.quote_name(meta.db_table)}.{connection.ops.quote_name(meta.get_field(name).column)}"
        if connection.vendor == "postgresql"
        else connection.ops.quote_name(meta.get_field(name).column)
        for name in returning
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {columns}", params)
        return list(cursor.fetchall())


class TaskMoves(models.QuerySet[Any]):
    """Moves of tasks."""

    @db.transaction_required
    def move(
        self,
        *,
        to: TaskState,
        by: str = "",
        message: str = "",
        data: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> list[MovedTask]:
        """Move these tasks to ``to``, apply ``changes``, and record one event for each.

        ``by`` names the worker in the events.

        :returns: the tasks that moved.
        :raises TransactionRequired: if no transaction is open.
        """
        allowed = self.filter(status__in=sorted(states.task_sources(to)))
        rows = update_returning(allowed, {"status": to, **changes}, ("id", "instance_id", "attempts"))
        moved = sorted(MovedTask(*row) for row in rows)
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
                    data=dict(data or {}),
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

        :returns: the keys of the instances that moved.
        :raises TransactionRequired: if no transaction is open.
        """
        allowed = self.filter(status__in=sorted(states.instance_sources(to)))
        rows = update_returning(allowed, {"status": to, **changes}, ("id",))
        keys = sorted(row[0] for row in rows)
        event = apps.get_model("tasks_app", "Event")
        event.objects.bulk_create(
            [
                event(instance_id=key, kind=f"instance.{to}", message=message, data=dict(data or {}))
                for key in keys
            ]
        )
        return keys
