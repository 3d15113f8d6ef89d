"""Instances: submit, and run again from a task on."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError

from cpds.base import clock, db
from cpds.base.origin import signed
from cpds.base.redaction import redact_text
from tasks_app.errors import ChangedUpstream, IllegalMove, NotFound, NoWorkflow
from tasks_app.models import Event, Instance, Schedule, Task, Workflow, WorkflowVersion
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.engine.graph import ancestors, descendants
from tasks_app.planning.values.stored_spec import CONTINUOUS
from tasks_app.services.lookup.by_name import find_instance, find_workflow, lock_workflow
from tasks_app.services.progress.admission import admit
from tasks_app.services.progress.batches import copy_batches
from tasks_app.services.publishing.dispatch import mark_first, mark_ready
from tasks_app.services.publishing.pump import pump
from tasks_app.services.submit.materialize import create_tasks
from tasks_app.services.workflows.definitions import complete_params, find_version, latest_version
from tasks_app.states import INSTANCE_FINAL, TaskState

NAMED = 20
logger = logging.getLogger(__name__)


def submit_instance(
    *, workflow: str, params: Mapping[str, Any] | None = None, version: int | None = None, by: str = ""
) -> str:
    """Start an instance of a version of a workflow, the newest unless its number is given; return its id.

    When this returns, the instance and all its tasks are in the database: what
    follows survives the loss of any process. If as many instances of the
    workflow run as may, it waits as pending. ``by`` is who started it, for the ledger.

    :raises NotFound: when there is no such workflow or version.
    :raises InvalidParams: when the parameters do not fit; nothing is started.
    """
    found = find_workflow(given=workflow)
    chosen = latest_version(found) if version is None else find_version(workflow=found, number=version)
    spec = WorkflowSpec.from_json(chosen.definition)
    complete = complete_params(spec=spec, given=params or {})
    with db.transaction():
        instance = insert_instance(workflow=found, version=chosen, spec=spec, params=complete)
        if by:
            Event.objects.create(
                instance=instance,
                project_id=instance.project_id,
                kind="instance.submitted",
                data=signed({"by": by, "subject": instance.public_id}),
            )
    publish_started(instance)
    return instance.public_id


@db.transaction_required
def insert_instance(
    *,
    workflow: Workflow,
    version: WorkflowVersion,
    spec: WorkflowSpec,
    params: dict[str, Any],
    parent_task: Task | None = None,
) -> Instance:
    """Insert an instance with all its tasks, and start it if its workflow has room; pump after the commit."""
    instance = _create(workflow, version, spec, params, parent_task=parent_task)
    create_tasks(instance=instance, spec=spec)
    _start(instance, spec)
    return instance


@db.transaction_required
def start_scheduled(schedule: Schedule) -> Instance:
    """Start an instance as a schedule says; the caller publishes after the commit what is ready.

    :raises InvalidParams: when the schedule's parameters do not fit.
    """
    workflow = schedule.workflow
    version = latest_version(workflow)
    spec = WorkflowSpec.from_json(version.definition)
    instance = _create(
        workflow, version, spec, complete_params(spec=spec, given=schedule.params), schedule=schedule
    )
    create_tasks(instance=instance, spec=spec)
    _start(instance, spec)
    return instance


def rerun_instance(
    *,
    given: str,
    from_task: str,
    params: Mapping[str, Any] | None = None,
    version: int | None = None,
    by: str = "",
    reason: str = "",
) -> str:
    """Run an ended instance again from one of its tasks on, as a new instance; return the new id.

    Results of tasks that neither are that task nor follow it are shared, so two
    versions of a step can be compared; other branches that completed are not paid
    for twice. ``params`` replace those of the origin, name by name. ``version``:
    of the workflow, that of the origin unless given; tasks of other branches that
    it changed run again, with what follows them. ``by`` and
    ``reason`` are recorded.

    :raises NotFound: when there is no such instance, version or task.
    :raises IllegalMove: when the instance has not ended.
    :raises ChangedUpstream: when the version changed what is upstream of the task.
    :raises NoWorkflow: when its tasks were created on their own.
    :raises InvalidParams: when the parameters do not fit.
    """
    origin = find_instance(given=given)
    if origin.status not in INSTANCE_FINAL:
        raise IllegalMove(kind="Instance", key=origin.public_id, state=origin.status, wanted="rerun")
    if origin.workflow is None or origin.version is None:
        raise NoWorkflow(instance=origin.public_id)
    chosen = find_version(workflow=origin.workflow, number=version or origin.version.number)
    spec = WorkflowSpec.from_json(chosen.definition)
    needs = {task.name: task.needs for task in spec.tasks}
    if from_task not in needs:
        raise NotFound(kind="task", given=from_task, listing=f"manage.py instance status {origin.public_id}")
    changed = _changed_tasks(WorkflowSpec.from_json(origin.version.definition), spec)
    if upstream := sorted(ancestors(needs, [from_task]) & changed):
        raise ChangedUpstream(
            version=chosen.number,
            task=from_task,
            origin=f"version {origin.version.number}",
            changed=", ".join(upstream[:NAMED]) + (" …" if len(upstream) > NAMED else ""),
        )
    starts = {from_task, *changed}
    again = starts | descendants(needs, starts)
    kept = {name: value for name, value in origin.params.items() if name in spec.params}
    complete = complete_params(spec=spec, given={**kept, **(params or {})})
    with db.transaction():
        locked = Instance.objects.locked(origin.pk)  # keeps whoever prunes away from what is shared
        if locked is None or locked.is_pruning:
            raise NotFound(kind="instance", given=given, listing="manage.py instance list")
        instance = _create(origin.workflow, chosen, spec, complete, origin=origin)
        key_of = create_tasks(instance=instance, spec=spec)
        _share_results(origin, [key for name, key in key_of.items() if name not in again])
        Event.objects.create(
            instance=instance,
            project_id=instance.project_id if by else None,
            kind="instance.rerun",
            message=redact_text(
                f"a rerun of {origin.public_id} from {from_task}{f': {reason}' if reason else ''}"
            ),
            data=signed({"by": by, "origin": origin.public_id, "from": from_task, "version": chosen.number}),
        )
        _start(instance, spec)
        # What was shared is over already: its followers may be ready from the start.
        mark_ready(Task.objects.filter(instance=instance))
    publish_started(instance)
    return instance.public_id


def _changed_tasks(before: WorkflowSpec, after: WorkflowSpec) -> set[str]:
    """Return the tasks of ``after`` that ``before`` did not have, or not like that."""
    known = {task.name: task for task in before.tasks}
    return {task.name for task in after.tasks if known.get(task.name) != task}


def _share_results(origin: Instance, keys: list[int]) -> None:
    shared = Task.objects.filter(pk__in=keys)
    # What was undone in the origin is not there to be shared, nor is what undid it.
    kept = Task.objects.filter(instance=origin, satisfies=True, compensates__isnull=True)
    before = {task.name: task for task in kept.exclude(status=TaskState.COMPENSATED)}
    for task in shared.order_by("pk"):
        source = before.get(task.name)
        if source is None:
            continue  # it did not complete in the origin either, and does now
        shared.filter(pk=task.pk).move(
            to=TaskState(source.status),
            message=f"shared with {origin.public_id}",
            data={"origin": origin.public_id},
            satisfies=True,
            output=source.output,
            reason=source.reason,
            started_at=source.started_at,
            finished_at=clock.database_now(),
            settled=True,
        )
        if task.spec.get("mode") == CONTINUOUS:
            copy_batches(source=source, target=task)


def _start(instance: Instance, spec: WorkflowSpec) -> None:
    if admit(instance=instance, max_instances=spec.max_instances, timeout_seconds=spec.timeout_seconds):
        # Here, and not after the commit: if this process dies in between, the sweep publishes what is ready.
        mark_first(instance)


def publish_started(instance: Instance) -> None:
    """Publish what an instance starts with, after the commit."""
    # A caller may have a transaction open, to store its answer along with the instance.
    db.run_when_committed(partial(_pump, instance))


def _pump(instance: Instance) -> None:
    try:
        pump()
    except (OperationalError, InterfaceError) as error:
        # The instance is safe, and whoever submits it again would have two.
        logger.warning("publishing_postponed instance=%s error=%s", instance.public_id, type(error).__name__)


def _create(
    workflow: Workflow,
    version: WorkflowVersion,
    spec: WorkflowSpec,
    params: dict[str, Any],
    *,
    origin: Instance | None = None,
    parent_task: Task | None = None,
    schedule: Schedule | None = None,
) -> Instance:
    # Holds off a deletion of the workflow that would not see this instance yet.
    lock_workflow(workflow=workflow)
    return Instance.objects.create(
        project_id=workflow.project_id,
        workflow=workflow,
        version=version,
        params=params,
        task_count=len(spec.tasks),
        on_failure=spec.on_failure,
        max_parallel=spec.max_parallel,
        origin=origin,
        parent_task=parent_task,
        schedule=schedule,
    )
