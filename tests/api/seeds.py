"""Rows of the project ``mine`` whose ids stand in the addresses of the matrix.

Add a function here for each name in braces; it returns the id.
"""

from collections.abc import Callable
from typing import Any

from tasks_app.roles import Role
from tests.api.people import OPERATOR, People


def a_token(people: People) -> str:
    """A token of the project, which is nobody's own."""
    from tasks_app.services.access.tokens import create_token

    new = create_token(caller=OPERATOR, name="seed", role=Role.VIEWER, project=people.mine)
    return str(new.token.pk)


def a_workflow(people: People) -> str:
    """A workflow of two versions and a schedule, which has no instances."""
    from tests.api.given_instances import stored

    stored(people.mine, name="scheduled")
    return stored(people.mine, name="scheduled", schedule="@hourly", description="more").workflow_id


def a_running_instance(people: People) -> str:
    """An instance with a task that a worker may take."""
    from tests.api.given_instances import started

    return started(people.mine).public_id


def a_paused_instance(people: People) -> str:
    """An instance that somebody paused."""
    from tasks_app.services.control.instances import pause_instance

    return pause_instance(given=a_running_instance(people))


def a_failed_instance(people: People) -> str:
    """An instance whose only task failed."""
    from tests.api.given_instances import failed

    return failed(people.mine).public_id


def an_asking_instance(people: People) -> str:
    """An instance that waits for an approval."""
    from tests.api.given_instances import asking

    return asking(people.mine).public_id


def an_offered_task(people: People) -> str:
    """A task that waits for a worker over HTTP."""
    from tasks_app.services.submit.loose import create_task

    return create_task(task={"executor": "external"}, project=people.mine).task_ids[0]


def a_cancelled_task(people: People) -> str:
    """A task that was cancelled."""
    from tasks_app.services.control.tasks import cancel_task
    from tasks_app.services.lookup.by_name import find_task

    given = an_offered_task(people)
    cancel_task(task=find_task(given=given))
    return given


def a_contract(people: People) -> str:
    """The draft of a contract that could be approved."""
    from tasks_app.services.workflows.contracts import create_contract

    parts = {"frontend": {"page": "Login", "components": [], "states": []}}
    made = create_contract(project=people.mine, feature_id="F1", feature_name="Login", parts=parts)
    return made.public_id


def an_approved_contract(people: People) -> str:
    """A contract that was approved."""
    from tasks_app.services.workflows.contracts import approve_contract, find_contract

    contract = find_contract(given=a_contract(people))
    return approve_contract(contract=contract, version=1).public_id


def an_http_worker(people: People) -> str:
    """A worker over HTTP."""
    from workers_app.transports.http.workers import HttpRegistration, register_http_worker

    made = register_http_worker(project_id=people.mine.pk, registration=HttpRegistration(name="seed"))
    return made.public_id


def a_claim(people: People) -> str:
    """The token of a claim that this worker holds."""
    from tasks_app.services.submit.loose import create_task
    from workers_app.models import Worker
    from workers_app.transports.http.claims import claim_batch

    create_task(task={"executor": "external"}, project=people.mine)
    [granted] = claim_batch(worker=Worker.objects.get(public_id=an_http_worker(people)), limit=1).granted
    return granted.token


SEEDS: dict[str, Callable[[People], str]] = {
    "token": a_token,
    "workflow": a_workflow,
    "running": a_running_instance,
    "paused": a_paused_instance,
    "failed": a_failed_instance,
    "asking": an_asking_instance,
    "offered": an_offered_task,
    "cancelled_task": a_cancelled_task,
    "contract": a_contract,
    "approved_contract": an_approved_contract,
    "http_worker": an_http_worker,
    "claim": a_claim,
}


def filled(value: Any, people: People) -> Any:
    """Return an address or a body with ids in the place of names in braces."""
    if isinstance(value, dict):
        return {key: filled(each, people) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, people) for each in value]
    if isinstance(value, str):
        for name, make in SEEDS.items():
            if f"{{{name}}}" in value:
                value = value.replace(f"{{{name}}}", make(people))
    return value
