"""What an attempt says while it runs: progress and log lines, under its fence."""

from collections.abc import Iterable, Mapping
from typing import Final

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, Task
from tasks_app.outcomes import JSON
from tasks_app.planning.values.values import as_json
from tasks_app.services.attempts.claims import Claim

MESSAGE_CHARACTERS: Final = 4000


def report_progress(*, claim: Claim, fraction: float, message: str) -> None:
    """Record how far an attempt is, 0 to 1, and say so in the ledger.

    :raises StaleDispatch: when the claim is no longer held.
    """
    fraction = min(1.0, max(0.0, fraction))
    text = _sentence(claim, message)
    with db.transaction():
        held = Task.objects.held(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        if not held.update(progress=fraction, progress_message=text):
            raise StaleDispatch(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        _say(claim, "task.progress", text, {"progress": fraction})


def append_log(*, claim: Claim, message: str) -> None:
    """Add a line to the instance's log.

    :raises StaleDispatch: when the claim is no longer held.
    """
    append_logs(claim=claim, messages=[message])


def append_logs(*, claim: Claim, messages: Iterable[str]) -> None:
    """Add lines to the instance's log, all or none.

    :raises StaleDispatch: when the claim is no longer held.
    """
    with db.transaction():
        held = Task.objects.held(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        if not db.locking(held).exists():
            raise StaleDispatch(task_id=claim.task_id, dispatch_id=claim.dispatch_id)
        for message in messages:
            _say(claim, "task.log", _sentence(claim, message), {})


def _say(claim: Claim, kind: str, message: str, data: Mapping[str, JSON]) -> None:
    Event.objects.create(
        instance_id=claim.instance_pk,
        task_id=claim.task_id,
        kind=kind,
        attempt=claim.attempt,
        worker=claim.worker,
        message=message,
        data=dict(data),
    )


def _sentence(claim: Claim, text: str) -> str:
    return redact_text(as_json(text), known=claim.known_secrets)[:MESSAGE_CHARACTERS]
