"""Instances in tests: submit them, wait for their end, and look at what the ledger says."""

from typing import Any

from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tasks_app.services.definitions import upload_workflow
from tasks_app.services.instances import submit_instance
from tasks_app.states import INSTANCE_FINAL, RecordState, TaskState
from tests.support.builders import a_workflow
from tests.support.waiting import wait_until

DONE = (TaskState.COMPLETED, TaskState.COMPENSATING, TaskState.COMPENSATED)
"""The states of a task that was completed, whether or not it is undone since."""


def an_instance(*tasks: dict[str, Any], params: dict[str, Any] | None = None, **more: Any) -> Instance:
    """Upload a workflow of these tasks, submit an instance of it, and return the row."""
    uploaded = upload_workflow(source=a_workflow(*tasks, **more).encode())
    key = submit_instance(workflow=uploaded.workflow_id, params=params)
    return Instance.objects.get(public_id=key)


def wait_for_end(instance: Instance, *, timeout: float = 60) -> Instance:
    """Return the instance once it has ended."""

    def ended() -> bool:
        instance.refresh_from_db()
        return instance.status in INSTANCE_FINAL

    wait_until(ended, timeout=timeout, message=lambda: f"{instance} to end; {state_of(instance)}")
    return instance


def state_of(instance: Instance) -> dict[str, list[str]]:
    """Return the names of the instance's tasks by state, for messages."""
    found: dict[str, list[str]] = {}
    for name, status, dispatch_id in Task.objects.filter(instance=instance).values_list(
        "name", "status", "dispatch_id"
    ):
        found.setdefault(status, []).append(f"{name}/{(dispatch_id or '-')[:4]}")
    return {status: names[:10] for status, names in found.items()}


def task(instance: Instance, name: str) -> Task:
    """Return one task of the instance, as it is now."""
    return Task.objects.get(instance=instance, name=name)


def assert_history_is_sound(instance: Instance) -> None:
    """Check what must hold for every finished instance, by the ledger alone."""
    tasks = {row.pk: row for row in Task.objects.filter(instance=instance)}
    completed = ExecutionRecord.objects.filter(task__instance=instance, status=RecordState.COMPLETED)
    per_task: dict[int, int] = {}
    for record in completed:
        per_task[record.task_id] = per_task.get(record.task_id, 0) + 1
    for row in tasks.values():
        # A list, what takes batches and what starts an instance are no attempts: items, runs and child are.
        is_attempted = row.parent_id is not None or row.spec.keys().isdisjoint({"for_each", "stream"})
        is_attempted = is_attempted and "workflow" not in row.spec
        expected = 1 if row.status in DONE and is_attempted else 0
        assert per_task.get(row.pk, 0) == expected, f"{row.name}: {per_task.get(row.pk, 0)} completed records"
        numbers = list(row.records.order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1)), f"{row.name}: attempts {numbers}"
    started = dict(
        Event.objects.filter(instance=instance, kind="task.running")
        .order_by("-id")
        .values_list("task_id", "happened_at")
    )
    for task_id, needed_id in Dependency.objects.filter(task__instance=instance).values_list(
        "task_id", "needed_id"
    ):
        if task_id in started:
            end = tasks[needed_id].finished_at
            assert end is not None
            assert end <= started[task_id], (
                f"{tasks[task_id].name} started before {tasks[needed_id].name} ended"
            )
