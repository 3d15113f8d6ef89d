"""Children: the instances that tasks start. A task waits for its child, and takes over its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cpds.base import db
from tasks_app.errors import TooDeep, WaitsForItself
from tasks_app.models import Instance, Task, Workflow, WorkflowVersion
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.services.control.reopening import reopen
from tasks_app.services.lookup.by_name import find_workflow, lock_workflow
from tasks_app.services.submit.instances import insert_instance
from tasks_app.services.workflows.definitions import complete_params, latest_version
from tasks_app.states import INSTANCE_FINAL, InstanceState

MAX_DEPTH: Final = 10
"""Instances inside one another, the outermost included."""


@dataclass(frozen=True, kw_only=True)
class WantedChild:
    """The child a task asks for, checked."""

    workflow: Workflow
    version: WorkflowVersion
    spec: WorkflowSpec
    params: Mapping[str, Any]

    def hold(self) -> None:
        """Lock the workflow, as every creation of an instance does, before any instance is locked."""
        lock_workflow(workflow=self.workflow)


def prepare_child(*, task: Task, given: Mapping[str, JSON]) -> WantedChild:
    """Return the child this task asks for, with params ``given``.

    :raises NotFound: when there is no such workflow.
    :raises InvalidParams: when the params do not fit it.
    :raises TooDeep: when too many instances would be inside one another.
    :raises WaitsForItself: when it could start only after its own ancestor has ended.
    """
    workflow = find_workflow(given=task.spec["workflow"])
    version = latest_version(workflow)
    spec = WorkflowSpec.from_json(version.definition)
    lineage = _lineage(task)
    if len(lineage) >= MAX_DEPTH:
        path = " → ".join([*(name for name, _ in lineage), workflow.name])
        raise TooDeep(limit=MAX_DEPTH, path=path)
    own = sum(key == workflow.pk for _, key in lineage)
    if spec.max_instances is not None and own >= spec.max_instances:
        raise WaitsForItself(workflow=workflow.name, limit=spec.max_instances)
    return WantedChild(
        workflow=workflow, version=version, spec=spec, params=complete_params(spec=spec, given=given)
    )


@db.transaction_required
def start_child(*, task: Task, wanted: WantedChild) -> Instance:
    """Return the instance that does this task's work: a new one, or an earlier one that goes on.

    A child that failed or was cancelled is reopened when a person has its task
    tried again, and keeps what it completed. A retry of the task itself starts a
    new one, from the beginning. The caller holds the lock of the task's instance.
    """
    before = Instance.objects.filter(parent_task=task).order_by("-pk").first()
    is_retry = task.failures > 0 and before is not None and before.status in INSTANCE_FINAL
    if before is not None and before.status != InstanceState.COMPENSATED and not is_retry:
        child = Instance.objects.locked(before.pk) or before
        if child.status in (InstanceState.FAILED, InstanceState.CANCELLED):
            reopen(instance=child, by="", reason="its parent was retried")
        return child
    return insert_instance(
        workflow=wanted.workflow,
        version=wanted.version,
        spec=wanted.spec,
        params=dict(wanted.params),
        parent_task=task,
    )


def _lineage(task: Task) -> list[tuple[str, int | None]]:
    """Return name and key of the workflow of each instance around the task, outermost first."""
    found: list[tuple[str, int | None]] = []
    instance: Instance | None = task.instance
    while instance is not None and len(found) <= MAX_DEPTH:
        found.append((instance.workflow_name, instance.workflow_id))
        instance = (
            Instance.objects.filter(tasks=instance.parent_task_id).select_related("workflow").first()
            if instance.parent_task_id is not None
            else None
        )
    return found[::-1]
