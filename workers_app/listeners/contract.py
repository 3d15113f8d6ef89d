"""The contract of a listener, and what it hears."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from tasks_app.outcomes import JSON


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One event, committed. ``delivery_id`` is the same each time this listener is told of this event.

    ``event`` is the name it is known by (``workflow.failed``), ``kind`` the
    ledger's own (``instance.failed``); they are the same where there is only one.
    ``status`` is what the instance or task became. What could be recognised as a
    secret is hidden in ``message`` and ``data``.
    """

    delivery_id: str
    event: str
    kind: str
    event_id: int
    happened_at: datetime
    status: str
    instance_id: str
    workflow_id: str
    workflow: str
    task_id: int | None = None
    task: str | None = None
    attempt: int | None = None
    worker: str | None = None
    message: str = ""
    data: Mapping[str, JSON]

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object; ``id`` is the delivery's."""
        return {
            "id": self.delivery_id,
            "event": self.event,
            "kind": self.kind,
            "event_id": self.event_id,
            "happened_at": self.happened_at.isoformat(),
            "status": self.status,
            "instance_id": self.instance_id,
            "workflow_id": self.workflow_id,
            "workflow": self.workflow,
            "task_id": self.task_id,
            "task": self.task,
            "attempt": self.attempt,
            "worker": self.worker,
            "message": self.message,
            "data": dict(self.data),
        }


@runtime_checkable
class EventListener(Protocol):
    """Hears the events it names: those of one instance in order, each at least once.

    It may also have ``secrets``, a collection of texts that must not be stored or
    logged should an error of its repeat them.
    """

    name: str
    events: Collection[str]

    def deliver(self, event: Heard) -> None:
        """Pass an event on. Returning means that it was heard; raising, that it is to be tried again later.

        It may be called more than once for one event, from several threads and
        processes, but for one instance never twice at a time. The database may be
        used, no transaction is open. It must end by itself: it holds a slot.
        """
        ...


def secrets_of(listener: Any) -> tuple[str, ...]:
    """Return the texts that must not be repeated anywhere."""
    return tuple(str(secret) for secret in getattr(listener, "secrets", ()) if secret)
