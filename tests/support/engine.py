"""Instances in tests: submit them, wait for their end, and look at what the ledger says."""

from typing import Any

from tasks_app.models import Instance, Task
from tasks_app.services.explain.verify import verify_instances
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import INSTANCE_FINAL
from tests.support.builders import a_workflow
from tests.support.waiting import wait_until


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


def assert_history_is_sound(*instances: Instance) -> None:
    """Check that the ledger proves nothing wrong of these instances (none named: of any)."""
    given = [instance.public_id for instance in instances]
    found = [
        f"{verdict.instance}/{each.task}: {each.rule}: {each.sentence}"
        for verdict in verify_instances(given)
        for each in verdict.violations
    ]
    assert found == []
