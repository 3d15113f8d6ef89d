"""What the record needs to know of workers that speak HTTP, without importing the fleet.

The fleet app connects its answer when Django starts; until then nobody is online.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

NODE_SIGN: Final = "@"
"""In every name of a Celery worker, and in no id of one that speaks HTTP."""

Abilities = Mapping[int, Sequence[frozenset[str]]]
"""By project: the capabilities of each of its workers that speak HTTP, are online and take tasks."""


def _nobody(_project_id: int) -> bool:
    return False


def _nothing(_project_ids: Collection[int]) -> Abilities:
    return {}


_is_online: Callable[[int], bool] = _nobody
_abilities: Callable[[Collection[int]], Abilities] = _nothing


def connect_http_workers(
    *, is_online: Callable[[int], bool], abilities: Callable[[Collection[int]], Abilities]
) -> None:
    """Make these the ones that say whether a project has an HTTP worker online, and what those can do."""
    global _is_online, _abilities
    _is_online, _abilities = is_online, abilities


def has_http_worker(project_id: int) -> bool:
    """Return whether a worker of the project that speaks HTTP is online."""
    return _is_online(project_id)


def abilities_of_http_workers(projects: Collection[int]) -> Abilities:
    """Return what the workers of these projects can do that speak HTTP, are online and take tasks."""
    return _abilities(projects) if projects else {}
