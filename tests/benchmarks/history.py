"""A past: many finished instances, written by the database itself from one that ran."""

from django.db import connection

from tasks_app.models import Instance, Task

BATCH = 100
"""Instances written by one statement."""


def write_history(*, origin: Instance, tasks: int) -> int:
    """Copy an ended instance until there are so many more tasks; return how many were written."""
    own = Task.objects.filter(instance=origin).count()
    copies = -(-tasks // own)
    for start in range(0, copies, BATCH):
        _copy(origin, range(start, min(start + BATCH, copies)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return copies * own


def _copy(origin: Instance, numbers: range) -> None:
    instance, task = Instance._meta.db_table, Task._meta.db_table
    facts = [column for column in _columns(Instance) if column != "public_id"]
    shape = [column for column in _columns(Task) if column != "instance_id"]
    names = [f"{origin.public_id}-past-{number}" for number in numbers]
    values = " UNION ALL ".join(["SELECT %s AS public_id"] * len(names))
    places = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {instance} (public_id, {', '.join(facts)}) "
            f"SELECT past.public_id, {', '.join(f'own.{name}' for name in facts)} "
            f"FROM {instance} own CROSS JOIN ({values}) past WHERE own.id = %s",
            [*names, origin.pk],
        )
        cursor.execute(
            f"INSERT INTO {task} (instance_id, {', '.join(_quoted(shape))}) "
            f"SELECT past.id, {', '.join(f'own.{name}' for name in _quoted(shape))} "
            f"FROM {task} own CROSS JOIN {instance} past "
            f"WHERE own.instance_id = %s AND past.public_id IN ({places})",
            [origin.pk, *names],
        )


def _columns(model: type[Instance] | type[Task]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not field.primary_key]


def _quoted(columns: list[str]) -> list[str]:
    return [connection.ops.quote_name(column) for column in columns]
