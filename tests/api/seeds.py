"""Rows of the project ``mine`` whose ids stand in the addresses of the matrix.

Add a function here for each name in braces; it returns the id.
"""

from collections.abc import Callable

from tasks_app.roles import Role
from tests.api.people import OPERATOR, People


def a_token(people: People) -> str:
    """A token of the project, which is nobody's own."""
    from tasks_app.services.tokens import create_token

    new = create_token(caller=OPERATOR, name="seed", role=Role.VIEWER, project=people.mine)
    return str(new.token.pk)


def a_workflow(people: People) -> str:
    """A workflow of two versions and a schedule, which has no instances."""
    from tests.api.instances import stored

    stored(people.mine, name="scheduled")
    return stored(people.mine, name="scheduled", schedule="@hourly", description="more").workflow_id


def a_running_instance(people: People) -> str:
    """An instance with a task that a worker may take."""
    from tests.api.instances import started

    return started(people.mine).public_id


def a_paused_instance(people: People) -> str:
    """An instance that somebody paused."""
    from tasks_app.services.control import pause_instance

    return pause_instance(given=a_running_instance(people))


def a_failed_instance(people: People) -> str:
    """An instance whose only task failed."""
    from tests.api.instances import failed

    return failed(people.mine).public_id


def an_asking_instance(people: People) -> str:
    """An instance that waits for an approval."""
    from tests.api.instances import asking

    return asking(people.mine).public_id


SEEDS: dict[str, Callable[[People], str]] = {
    "token": a_token,
    "workflow": a_workflow,
    "running": a_running_instance,
    "paused": a_paused_instance,
    "failed": a_failed_instance,
    "asking": an_asking_instance,
}


def filled(path: str, people: People) -> str:
    """Return an address with ids in the place of names in braces."""
    for name, make in SEEDS.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", make(people))
    return path
