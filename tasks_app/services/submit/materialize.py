"""From a definition to the rows of an instance's tasks."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cpds.base import db
from tasks_app.models import Dependency, Instance, Task
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.engine.shape import shapes
from tasks_app.planning.values.requirements import requirement_name
from tasks_app.planning.values.stored_spec import gates_of, stored_spec
from tasks_app.services.lookup.durations import expected_milliseconds
from tasks_app.services.lookup.requirements import note_requirements
from tasks_app.states import CHILD_WORKFLOW, EXTERNAL, Gate, JoinMode

BATCH = 1000


@db.transaction_required
def create_tasks(
    *,
    instance: Instance,
    spec: WorkflowSpec,
    foreign: Mapping[str, int] = MappingProxyType({}),
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, int]:
    """Insert every task of the instance and what they need; return their keys by name.

    ``foreign``: tasks of other instances, by the names under which the definition
    has them; there they only stand for those, and get no row. ``own``: further
    columns of some tasks, by name.
    """
    secrets = [name for name, param in spec.params.items() if param.secret]
    mine = [task for task in spec.tasks if task.name not in foreign]
    early = [task.name for task in mine if task.join.mode != JoinMode.ALL]
    stream_of = _streams(spec)
    waits_abroad = {task.name for task in mine if not foreign.keys().isdisjoint(task.needs)}
    # No canvas takes along what waits for another instance, or for a worker that takes no messages.
    apart = {*stream_of, *waits_abroad, *(task.name for task in mine if task.run == EXTERNAL)}
    needs = {task.name: [each for each in task.needs if each not in foreign] for task in mine}
    shape_of = shapes(
        needs,
        early=early,
        apart=apart,
        milliseconds=expected_milliseconds(workflow_id=instance.workflow_id, names=list(needs)),
    )
    # Only what is published waits in a queue of its own for whoever is able.
    required = {task.name: () if task.run == EXTERNAL else task.requires for task in mine}
    note_requirements(required.values())
    tasks = Task.objects.bulk_create(
        [
            Task(
                project_id=instance.project_id,
                instance=instance,
                name=task.name,
                position=position,
                description=task.description,
                executor=task.run or CHILD_WORKFLOW,
                spec=stored_spec(
                    task=task, secrets=secrets, stream=stream_of.get(task.name), foreign=foreign
                ),
                priority=task.priority,
                requires=list(task.requires),
                requirement=requirement_name(required[task.name]),
                tags=list(task.tags),
                timeout_seconds=task.timeout_seconds,
                join=task.join.mode,
                join_count=task.join.count,
                allow_failure=task.allow_failure,
                gate=next(iter(gates_of(task=task, stream=stream_of.get(task.name))), Gate.OPEN),
                **{**vars(shape_of[task.name]), "fan_in": len(task.needs)},
                **(own or {}).get(task.name, {}),
            )
            for position, task in enumerate(mine)
        ],
        batch_size=BATCH,
    )
    key_of = {task.name: task.pk for task in tasks}
    Dependency.objects.bulk_create(
        [
            Dependency(
                task_id=key_of[task.name],
                needed_id=foreign[needed] if needed in foreign else key_of[needed],
                is_foreign=needed in foreign,
            )
            for task in mine
            for needed in task.needs
        ],
        batch_size=BATCH,
    )
    return key_of


def _streams(spec: WorkflowSpec) -> dict[str, str]:
    """Return the stream that each dependant of one takes batches from."""
    streams = {task.name for task in spec.tasks if task.is_continuous}
    return {task.name: needed for task in spec.tasks for needed in task.needs if needed in streams}
