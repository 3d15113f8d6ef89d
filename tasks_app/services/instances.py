"""Instances: submit."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import InterfaceError, OperationalError

from cpds.base import clock, db
from tasks_app.models import Dependency, Instance, Task, Workflow, WorkflowVersion
from tasks_app.planning.shape import shapes
from tasks_app.planning.spec import TaskSpec, WorkflowSpec
from tasks_app.services.definitions import complete_params, latest_version
from tasks_app.services.dispatch import mark_ready, pump
from tasks_app.services.lookup import find_workflow
from tasks_app.states import InstanceState

logger = logging.getLogger(__name__)

BATCH = 1000


def submit_instance(*, workflow: str, params: Mapping[str, Any] | None = None) -> str:
    """Start an instance of the newest version of a workflow; return its id.

    When this returns, the instance and all its tasks are in the database: what
    follows survives the loss of any process.

    :raises NotFound: when there is no such workflow.
    :raises InvalidParams: when the parameters do not fit; nothing is started.
    """
    found = find_workflow(given=workflow)
    version = latest_version(workflow=found)
    spec = WorkflowSpec.from_json(version.definition)
    complete = complete_params(spec=spec, given=params or {})
    with db.transaction():
        instance = _create(found, version, complete)
        _create_tasks(instance, spec)
        Instance.objects.filter(pk=instance.pk).move(
            to=InstanceState.RUNNING, started_at=clock.database_now()
        )
        # Here, and not after the commit: if this process dies in between, the sweep publishes what is ready.
        mark_ready(candidates=Task.objects.filter(instance=instance, fan_in=0))
    try:
        pump()
    except (OperationalError, InterfaceError) as error:
        # The instance is safe, and whoever submits it again would have two.
        logger.warning("publishing_postponed instance=%s error=%s", instance.public_id, type(error).__name__)
    return instance.public_id


def _create(workflow: Workflow, version: WorkflowVersion, params: dict[str, Any]) -> Instance:
    # Holds off a deletion of the workflow that would not see this instance yet.
    db.locking(Workflow.objects.all()).get(pk=workflow.pk)
    return Instance.objects.create(
        project_id=workflow.project_id,
        workflow=workflow,
        version=version,
        params=params,
        task_count=version.task_count,
    )


def _create_tasks(instance: Instance, spec: WorkflowSpec) -> None:
    secrets = [name for name, param in spec.params.items() if param.secret]
    shape_of = shapes({task.name: task.needs for task in spec.tasks})
    tasks = Task.objects.bulk_create(
        [
            Task(
                instance=instance,
                name=task.name,
                position=position,
                description=task.description,
                executor=task.run,
                spec=_row_spec(task, secrets),
                priority=task.priority,
                requires=list(task.requires),
                tags=list(task.tags),
                timeout_seconds=task.timeout_seconds,
                **vars(shape_of[task.name]),
            )
            for position, task in enumerate(spec.tasks)
        ],
        batch_size=BATCH,
    )
    key_of = {task.name: task.pk for task in tasks}
    Dependency.objects.bulk_create(
        [
            Dependency(task_id=key_of[task.name], needed_id=key_of[needed])
            for task in spec.tasks
            for needed in task.needs
        ],
        batch_size=BATCH,
    )


def _row_spec(task: TaskSpec, secrets: list[str]) -> dict[str, Any]:
    """Return what a worker needs to know of a definition, kept on the task so that it reads no other row."""
    own = {"with": task.arguments, "reads": list(task.reads)}
    return {**own, "secrets": secrets} if secrets else own
