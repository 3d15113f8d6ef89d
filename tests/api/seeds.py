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


SEEDS: dict[str, Callable[[People], str]] = {
    "token": a_token,
}


def filled(path: str, people: People) -> str:
    """Return an address with ids in the place of names in braces."""
    for name, make in SEEDS.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", make(people))
    return path
