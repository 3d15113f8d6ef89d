"""Delete a workflow, and first what is left of its instances, in pieces that lock no table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cpds.base import db
from tasks_app.errors import WorkflowInUse, WorkflowNeeded
from tasks_app.models import Instance, Workflow
from tasks_app.services.access.audit import note_change
from tasks_app.services.lookup import instance_tree
from tasks_app.services.lookup.by_name import find_workflow, lock_workflow
from tasks_app.services.progress.foreign import dependants_elsewhere, foreign_names
from tasks_app.services.schedules.from_definitions import drop_schedule
from tasks_app.services.workflows.prune import prune_instances

LISTED: Final = 1_000
"""A refusal to delete names at most so many unfinished instances, and counts them all."""
DEPENDANTS_LISTED: Final = 10


@dataclass(frozen=True, kw_only=True)
class UnfinishedInstance:
    """An instance that keeps a workflow from being deleted."""

    instance_id: str
    state: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a refusal lists it."""
        return {
            "pointer": f"/api/v1/instances/{self.instance_id}",
            "code": "unfinished_instance",
            "message": f"{self.instance_id} is {self.state}",
        }


@dataclass(frozen=True, kw_only=True)
class WorkflowRemoval:
    """What a deletion took away; ``instances`` counts those that its instances started, too."""

    workflow_id: str
    name: str
    instances: int


def delete_workflow(*, given: str, by: str = "") -> WorkflowRemoval:
    """Delete a workflow with its versions and its ended instances, and all that these started.

    The instances go one by one, each in short transactions. If one of them goes on
    meanwhile, or another starts, the workflow stays, without those that are gone.

    :raises NotFound: when there is no such workflow.
    :raises WorkflowInUse: when an instance of it is unfinished, or one that those started, or that started
        one of those, or a rerun of any: nothing is deleted.
    :raises WorkflowNeeded: when tasks of other instances need tasks of these; nothing is deleted.
    """
    found = find_workflow(given=given)
    removed = 0
    while True:
        with db.transaction():
            workflow = lock_workflow(workflow=found, to_delete=True)
            own, family = _family(workflow)
            _check_unused(workflow, family)
            _check_unneeded(workflow, family)
            if not own:
                return _delete(workflow, removed, by)
        removed += len(family)
        for _ in prune_instances(own):
            pass  # one that stays is found in the next round, with what keeps it


def _family(workflow: Workflow) -> tuple[list[str], list[int]]:
    own = dict(workflow.instances.order_by("pk").values_list("pk", "public_id"))
    families = instance_tree.families(roots=list(own))
    return list(own.values()), sorted({key for family in families.values() for key in family})


def _check_unused(workflow: Workflow, family: Sequence[int]) -> None:
    unfinished: dict[str, str] = {}
    for piece in instance_tree.in_pieces(keys=family):
        around = ({"pk__in": piece}, {"tasks__children__in": piece}, {"origin__in": piece})
        for each in around:
            rows = Instance.objects.unfinished().filter(**each).order_by("pk")
            unfinished |= rows.values_list("public_id", "status")
    if not unfinished:
        return
    count = len(unfinished)
    listed = [
        UnfinishedInstance(instance_id=public_id, state=status)
        for public_id, status in list(unfinished.items())[:LISTED]
    ]
    names = ", ".join(each.instance_id for each in listed)
    raise WorkflowInUse(
        workflow=workflow.name,
        count=count,
        instances=names + (f" and {count - LISTED:,} more" if count > LISTED else ""),
        obstacles=listed,
    )


def _check_unneeded(workflow: Workflow, family: Sequence[int]) -> None:
    for piece in instance_tree.in_pieces(keys=family):
        needing = dependants_elsewhere(needed__instance__in=piece).values_list("task_id", flat=True)
        if keys := list(needing[:DEPENDANTS_LISTED]):
            tasks = ", ".join(sorted(foreign_names(keys).values()))
            raise WorkflowNeeded(workflow=workflow.name, tasks=tasks)


def _delete(workflow: Workflow, instances: int, by: str) -> WorkflowRemoval:
    removal = WorkflowRemoval(workflow_id=workflow.public_id, name=workflow.name, instances=instances)
    drop_schedule(workflow)
    note_change(
        kind="workflow.deleted",
        by=by,
        project=workflow.project,
        subject=workflow.name,
        before={"id": workflow.public_id, "versions": workflow.latest, "instances": instances},
    )
    workflow.delete()
    return removal
