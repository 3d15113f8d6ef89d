"""What a handler is given: the task, and a way to say how it goes."""

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers_app.sdk.errors import AgentError, Refused, Stopped
from workers_app.sdk.server import Server
from workers_app.sdk.texts import batches_of_lines, plain
from workers_app.sdk.work import Claim, Why, Work


class Context:
    """One attempt at a task, as its handler sees it. Its methods may be called from any thread."""

    def __init__(self, *, server: Server, worker: str, work: Work, directory: Path | None) -> None:
        self._server = server
        self._worker = worker
        self._work = work
        self._directory = directory
        self._workspace: Path | None = None
        self.claim: Claim = work.claim
        self.stopping = work.stopping

    @property
    def task(self) -> Mapping[str, Any]:
        """The task: ``id``, ``name``, ``title``, ``description``, ``instance_id`` …."""
        return self.claim.task

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The task's ``with``, its templates filled in."""
        return self.claim.arguments

    @property
    def prompt(self) -> str:
        """What an agent is to be told: ``with.prompt``, else title, description and context of the task."""
        given = self.arguments.get("prompt")
        if isinstance(given, str) and given.strip():
            return given
        parts = (self.task.get(name) or "" for name in ("title", "description", "claude_context"))
        return "\n\n".join(part for part in parts if part.strip()) or str(self.task["name"])

    @property
    def cancelled(self) -> bool:
        """Whether to stop: cancelled, taken back, out of time, or the worker is shutting down."""
        return self.stopping.requested

    def check(self) -> None:
        """Raise when this attempt is to stop.

        :raises Stopped: then; let it pass through.
        """
        if self.cancelled:
            raise Stopped(self.stopping.reason)

    @property
    def workspace(self) -> Path:
        """A directory of this attempt alone, gone when it is over. Made when it is first asked for."""
        if self._workspace is None:
            if self._directory is not None:
                self._directory.mkdir(parents=True, exist_ok=True)
            made = tempfile.mkdtemp(prefix=f"task-{self.task['id']}-", dir=self._directory)
            self._workspace = Path(made)
        return self._workspace

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the task is, 0 to 1. A server that is away costs only these words."""
        with self._spoken():
            self._server.progress(self._worker, self.claim.token, fraction=fraction, message=plain(message))

    def log(self, *lines: str) -> None:
        """Add lines to the task's log, however many; of a long one the first 4000 characters."""
        with self._spoken():
            for batch in batches_of_lines(lines):
                self._server.log(self._worker, self.claim.token, batch)

    def close(self) -> None:
        """Remove the workspace."""
        if self._workspace is not None:
            shutil.rmtree(self._workspace, ignore_errors=True)

    @contextlib.contextmanager
    def _spoken(self) -> Any:
        try:
            yield
        except Refused as refused:
            if refused.is_lost_claim:
                self.stopping.request(Why.LOST)
        except AgentError:
            pass
