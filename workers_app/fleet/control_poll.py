"""What a worker looks up every second: what its operator wants of it, and what it may take."""

import logging
import threading
from collections.abc import Callable, Collection
from typing import Protocol

from tasks_app.services.lookup.requirements import queues_of, requirements_met
from tasks_app.services.publishing.pump import pump
from workers_app.fleet.abilities import served_here, tools_here
from workers_app.fleet.admission import Admission
from workers_app.fleet.record_port import fleet
from workers_app.fleet.workers import note_queues, note_tools, read_wishes

logger = logging.getLogger(__name__)
DRAINED = "drained"
"""The reason that an operator gives, and takes back."""


def queues_for(admission: Admission) -> list[str]:
    """Return the queues with tasks that a worker may take, by what it meets and whom it serves."""
    kept = {key for live_worker in fleet.live_workers() for key in live_worker.projects or ()}
    return queues_of(requirements=["", *admission.able], serves=admission.serves, kept=kept)


class QueueControl(Protocol):
    """How a worker's process is reached from here. Every act may come from any thread, and more than once."""

    def open(self, queues: Collection[str]) -> None:
        """Consume these queues, and none of tasks beside them."""
        ...

    def leave(self) -> None:
        """Stop the worker as if it were told to from outside."""
        ...


class ControlPoll:
    """One worker's; only its keeper's thread calls it."""

    def __init__(
        self,
        *,
        worker: str,
        capabilities: Collection[str],
        control: QueueControl,
        admission: Admission,
        takes_tasks: bool = True,
        register: Callable[[], None] = lambda: None,
    ) -> None:
        self.worker = worker
        self._capabilities = frozenset(capabilities)
        self._control = control
        self._admission = admission
        self._takes_tasks = takes_tasks
        self._register = register
        self._queues: list[str] | None = None

    def begin(self) -> None:
        """Publish what waited for a worker like this, and find out versions meanwhile."""
        threading.Thread(target=self._note_tools, name="tools", daemon=True).start()
        fleet.forget()
        pump()

    def register_anew(self) -> None:
        """Register again: nobody knows of this worker, though it runs."""
        logger.warning("worker_unknown worker=%s", self.worker)
        self._register()
        self._queues = None

    def look(self) -> None:
        """Look, and act on it."""
        wishes = read_wishes(self.worker)
        if wishes.drain:
            self._admission.drain(DRAINED)
        else:
            self._admission.undrain(DRAINED)
        if wishes.stop or self._admission.is_over:
            self._control.leave()
        if not self._takes_tasks:
            return
        self._admission.able = requirements_met(self._capabilities)
        self._admission.serves = served_here()
        queues = queues_for(self._admission) if self._admission.takes_tasks else []
        self._control.open(queues)
        if queues != self._queues:
            self._queues = queues
            note_queues(name=self.worker, queues=queues)

    def _note_tools(self) -> None:
        from django.db import connections

        try:
            note_tools(name=self.worker, tools=tools_here())
        except Exception as error:
            logger.warning("tools_not_noted error=%s", type(error).__name__)
        finally:
            connections.close_all()
