"""Publish again what was published and not claimed."""

from collections.abc import Sequence

from cpds.base import clock, db
from tasks_app.canvas import publish
from tasks_app.models import Instance, Task
from tasks_app.models.returning import update_returning
from tasks_app.services.publishing import window
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import TaskState


def publish_again(
    *, instance_id: int, tasks: Sequence[tuple[int, str]], is_express: bool = False
) -> tuple[int, bool]:
    """Publish those of these (task, dispatch id) again that nobody has claimed, each alone.

    What was planned to follow them is freed. The dispatch id stays: a new one
    would make the copy still in a queue stale. With ``is_express`` they overtake others from now on.

    :returns: how many went out, and whether the broker took them all.
    """
    sent = 0
    for task_id, dispatch_id, requirement, project, overtakes in _still_unclaimed(
        instance_id, tasks, is_express
    ):
        own = window.queue_project(project=project)
        if not publish.publish_alone(task_id, dispatch_id, requirement, project=own, is_express=overtakes):
            return sent, False
        sent += 1
    return sent, True


def _still_unclaimed(
    instance_id: int, tasks: Sequence[tuple[int, str]], is_express: bool
) -> list[tuple[int, str, str, int, bool]]:
    """Note that these tasks are published now, free what was planned with them, and return them."""
    with db.transaction():
        Instance.objects.locked(instance_id)
        unclaimed = update_returning(
            Task.objects.filter(pk__in=[task_id for task_id, _ in tasks], status=TaskState.QUEUED),
            {"published_at": clock.database_now(), **({"is_express": True} if is_express else {})},
            ("id", "dispatch_id", "requirement", "project_id", "is_express"),
        )
        dispatches = [dispatch_id for _, dispatch_id, *_ in unclaimed]
        release_followers(instance_id=instance_id, dispatch_ids=dispatches)
    return [(row[0], row[1], row[2], row[3], bool(row[4])) for row in unclaimed]
