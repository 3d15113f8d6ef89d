"""Give back what was delivered to a worker that does not start it."""

from cpds.base import db
from tasks_app.models import Instance, Task
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.redelivery import publish_again
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import TaskState


def hand_on(*, task_id: int, dispatch_id: str) -> None:
    """Give a message back that was delivered to a worker which starts nothing more.

    No attempt is counted; another worker gets it at once.
    """
    waiting = Task.objects.filter(
        pk=task_id, dispatch_id=dispatch_id, status__in=[TaskState.PENDING, TaskState.QUEUED]
    )
    found = waiting.values_list("instance_id", "status").first()
    if found is None:
        return
    instance_id, status = found
    if status == TaskState.QUEUED:
        publish_again(instance_id=instance_id, tasks=[(task_id, dispatch_id)])
        return
    with db.transaction():
        if Instance.objects.locked(instance_id) is not None:
            release_followers(instance_id=instance_id, dispatch_ids=[dispatch_id])
    pump()
