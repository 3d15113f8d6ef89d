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


def a_worker(people: People) -> str:
    """A worker over HTTP of the project, outside of pools."""
    from workers_app.services.http_workers import HttpRegistration, register_http_worker

    registration = HttpRegistration(worker_id="W-1", name="one")
    return register_http_worker(project_id=people.mine.pk, registration=registration).public_id


def a_claim(people: People) -> str:
    """The token of a claim that this worker holds."""
    from tasks_app.services.loose import create_task
    from workers_app.models import Worker
    from workers_app.services.http_claims import claim_batch

    create_task(task={"executor": "external"}, project=people.mine)
    [granted] = claim_batch(worker=Worker.objects.get(public_id=a_worker(people)), limit=1).granted
    return granted.token


SEEDS: dict[str, Callable[[People], str]] = {
    "token": a_token,
    "http_worker": a_worker,
    "claim": a_claim,
}


def filled(path: str, people: People) -> str:
    """Return an address with ids in the place of names in braces."""
    for name, make in SEEDS.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", make(people))
    return path
