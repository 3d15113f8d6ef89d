"""Build calls for executors, and look for what they left behind."""

from pathlib import Path

from workers_app.executors.cancellation import Cancellation
from workers_app.executors.contract import Call


def a_call(workspace: Path, *, timeout_seconds=20.0, cancellation=None, **arguments) -> Call:
    return Call(
        task_id=1,
        task_name="task",
        instance_id="inst-1",
        attempt=1,
        idempotency_key="key-of-the-attempt",
        arguments=arguments,
        params={},
        workspace=workspace,
        timeout_seconds=timeout_seconds,
        cancellation=cancellation or Cancellation(),
        upstream=lambda _name: None,
        progress=lambda _fraction, _message: None,
        log=lambda _text: None,
    )


def processes_marked(marker: str) -> list[int]:
    """Return the pids whose command line holds ``marker``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in words:
                found.append(int(entry.name))
    return found
