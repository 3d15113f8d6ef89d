"""What people changed, in the same ledger as what happened to instances."""

from collections.abc import Mapping
from typing import Any

from cpds.base import db
from cpds.base.origin import current_origin
from cpds.base.redaction import redact, redact_text
from tasks_app.models import Event, Project


@db.transaction_required
def note_change(
    *,
    kind: str,
    by: str,
    project: Project | None = None,
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    message: str = "",
) -> None:
    """Write down a change that is no move of an instance; the caller's transaction holds both.

    ``kind`` is ``<what>.<done>``, at most 40 characters: ``member.added``. ``subject``
    names what was changed. ``before`` and ``after`` are what differs, without secrets;
    what looks like one is hidden. Without ``project`` it concerns the installation.
    """
    Event.objects.create(
        project=project,
        kind=kind,
        message=redact_text(message),
        data=redact(
            {
                "by": by,
                **current_origin().facts(),
                "subject": subject,
                "before": dict(before or {}),
                "after": dict(after or {}),
            }
        ),
    )


def differences(
    *, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs: as it was, and as it is."""
    changed = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}
