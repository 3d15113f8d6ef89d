"""What the record needs to know of workers that speak HTTP, without importing the fleet.

The fleet app connects its answer when Django starts; until then nobody is online.
"""

from collections.abc import Callable


def _nobody(_project_id: int) -> bool:
    return False


_is_online: Callable[[int], bool] = _nobody


def connect_http_workers(*, is_online: Callable[[int], bool]) -> None:
    """Make ``is_online`` the one that says whether a project has an HTTP worker online, by its key."""
    global _is_online  # noqa: PLW0603
    _is_online = is_online


def has_http_worker(*, project_id: int) -> bool:
    """Return whether a worker of the project that speaks HTTP is online."""
    return _is_online(project_id)
