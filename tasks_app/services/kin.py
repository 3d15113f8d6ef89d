"""Which instances the tasks of an instance started, by how they stand."""

from tasks_app.models import Instance
from tasks_app.models.instance import InstanceQuerySet
from tasks_app.states import InstanceState


def unfinished_children(*, instance_id: int) -> list[str]:
    """Return the ids of the children that have not ended."""
    return _ids(Instance.objects.unfinished().filter(parent_task__instance_id=instance_id))


def running_children(*, instance_id: int) -> list[str]:
    """Return the ids of the children that run."""
    return _ids(Instance.objects.filter(parent_task__instance_id=instance_id, status=InstanceState.RUNNING))


def children_paused_with(*, instance_id: int) -> list[str]:
    """Return the ids of the children that were paused with this instance, and not on their own."""
    return _ids(
        Instance.objects.filter(
            parent_task__instance_id=instance_id, status=InstanceState.PAUSED, paused_with_parent=True
        )
    )


def _ids(instances: InstanceQuerySet) -> list[str]:
    return list(instances.order_by("pk").values_list("public_id", flat=True))
