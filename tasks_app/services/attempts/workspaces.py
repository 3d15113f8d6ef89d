"""Workspaces: the directory of its own that each attempt works in, and what is left of it."""

import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cpds.base.conf import conf

logger = logging.getLogger(__name__)


def workspace_of(*, instance_id: str, task_id: int, attempt: int) -> Path:
    """Return the attempt's own directory: no attempt, however late, writes into another's."""
    return conf().state_path / "work" / f"{instance_id}-{task_id}-{attempt}"


def make_empty(workspace: Path) -> None:
    """Make the directory anew, whatever an earlier process left there.

    :raises OSError: when it cannot be made.
    """
    if workspace.exists():
        shutil.rmtree(workspace)
    workspace.mkdir(parents=True, mode=0o700)


def remove_if_empty(workspace: Path) -> None:
    """Remove the directory unless something was left in it."""
    with suppress(OSError):
        workspace.rmdir()


def remove_workspaces(*, instance_id: str, attempts: Iterable[tuple[int, int]]) -> None:
    """Remove what the attempts left on this machine; each is a task and how often it was tried.

    Links are removed, and never followed. What cannot be removed is logged and stays.
    """
    if not (conf().state_path / "work").is_dir():
        return
    for task_id, tries in attempts:
        for attempt in range(1, tries + 1):
            _remove(workspace_of(instance_id=instance_id, task_id=task_id, attempt=attempt))


def _remove(workspace: Path) -> None:
    try:
        if workspace.is_symlink():
            workspace.unlink()
        else:
            shutil.rmtree(workspace)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.warning("workspace_stays name=%s error=%s", workspace.name, error.strerror)
