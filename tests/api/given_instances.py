"""Workflows and instances in a project, for the tests of the API."""

from typing import Any

from tasks_app.models import Instance, Project, Task
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import WorkflowUpload, upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.doorbell import Doorbell, Message
from tests.support.driving import deliver, fail


def stored(project: Project, *tasks: dict[str, Any], name: str = "a-workflow", **more: Any) -> WorkflowUpload:
    """Upload a workflow of these tasks, or of one, into a project."""
    source = a_workflow(*(tasks or [a_task()]), name=name, **more)
    return upload_workflow(source=source.encode(), project=project)


def started(
    project: Project, *tasks: dict[str, Any], params: dict[str, Any] | None = None, **more: Any
) -> Instance:
    """Start an instance of such a workflow."""
    key = submit_instance(workflow=stored(project, *tasks, **more).workflow_id, params=params)
    return Instance.objects.get(public_id=key)


def failed(project: Project, **more: Any) -> Instance:
    """Start an instance whose only task fails."""
    instance = started(project, **more)
    fail(Task.objects.get(instance=instance))
    return again(instance)


def again(instance: Instance) -> Instance:
    """Return the row as it is now."""
    return Instance.objects.get(pk=instance.pk)


def asking(project: Project, *names: str, **approval: Any) -> Instance:
    """Start an instance whose tasks wait for an approval."""
    tasks = [a_task(name, also={"approval": dict(approval)}) for name in names or ("gate",)]
    instance = started(project, *tasks)
    for row in Task.objects.filter(instance=instance):
        deliver(Message(task_id=row.pk, dispatch_id=row.dispatch_id or ""), Doorbell())
    return instance
