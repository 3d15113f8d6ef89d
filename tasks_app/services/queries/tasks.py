"""One task: what holds it, and its attempts."""

from tasks_app.models import ExecutionRecord, Task
from tasks_app.services.lookup import find_task
from tasks_app.services.queries.values import JSONObject, moment
from tasks_app.services.why import Hold, why_instance, why_waiting


def task_holds(*, given: str) -> JSONObject:
    """Return where a task stands and what holds it: what ``task why --json`` prints.

    :raises NotFound: when there is no such task.
    """
    task = find_task(given=given)
    return {"instance_id": task.instance.public_id, **_held(task, why_waiting(task=task))}


def instance_holds(*, given: str) -> JSONObject:
    """Return where an instance stands, what holds it, and what holds its foremost unfinished tasks.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    instance, holds, tasks = why_instance(given=given)
    return {
        "id": instance.public_id,
        "status": instance.status,
        "finished_at": moment(at=instance.finished_at),
        "error_message": instance.error_message or None,
        "holds": [_hold(each) for each in holds],
        "tasks": [_held(task, of_task) for task, of_task in tasks],
    }


def task_records(*, given: str) -> JSONObject:
    """Return a task with all its attempts, oldest first: what ``task records --json`` prints.

    :raises NotFound: when there is no such task.
    """
    task = find_task(given=given)
    rows = ExecutionRecord.objects.filter(task=task).defer("prompt", "answer", "output").order_by("number")
    return {
        "instance_id": task.instance.public_id,
        "id": task.pk,
        "name": task.name,
        "status": task.status,
        "records": [_record(each) for each in rows],
    }


def _held(task: Task, holds: list[Hold]) -> JSONObject:
    return {
        "id": task.pk,
        "name": task.name,
        "status": task.status,
        "finished_at": moment(at=task.finished_at),
        "holds": [_hold(each) for each in holds],
    }


def _hold(hold: Hold) -> JSONObject:
    return {
        "kind": hold.kind.value,
        "sentence": hold.sentence,
        "since": moment(at=hold.since),
        "until": moment(at=hold.until),
    }


def _record(record: ExecutionRecord) -> JSONObject:
    micros = record.cost_usd_micros
    return {
        "attempt": record.number,
        "status": record.status,
        "worker": record.worker,
        "executor": record.executor,
        "model": record.model or None,
        "started_at": moment(at=record.started_at),
        "finished_at": moment(at=record.finished_at),
        "duration_ms": record.duration_ms,
        "error": (
            {"kind": record.error_kind, "message": record.error_message, "detail": record.error_detail}
            if record.error_kind
            else None
        ),
        "tokens": record.tokens_used,
        "cost_usd": micros / 1_000_000 if micros is not None else None,
        "simulated": record.simulated,
    }
