"""Listeners that tests put into the settings, of this process or of a worker's."""

from collections.abc import Callable
from pathlib import Path

from tests.support.effects import append_effect, effects
from tests.support.waiting import wait_until
from workers_app.listeners.contract import Heard

EVERYTHING = (
    *("workflow.started", "workflow.completed", "workflow.failed", "workflow.paused", "workflow.resumed"),
    *("workflow.terminated", "task.started", "task.success", "task.failed", "task.timeout", "task.retrying"),
)


class InMemory:
    """Keeps what it hears; ``act`` is called first, and may raise."""

    def __init__(self, act: Callable[[Heard], None] = lambda _: None) -> None:
        self.name = "in-memory"
        self.events = EVERYTHING
        self.heard: list[Heard] = []
        self.act = act

    def deliver(self, event: Heard) -> None:
        self.act(event)
        self.heard.append(event)

    @property
    def told(self) -> list[str]:
        """The names of what it heard, with the task's."""
        return [f"{each.event} {each.task}" if each.task else each.event for each in self.heard]


class ToFile:
    """Appends each event to the effect log ``path``; fails the first ``failures`` times.

    While the file ``gate`` is named and missing it does not return.
    """

    name = "to-file"
    events = EVERYTHING

    def __init__(self, *, path: str, failures: int = 0, gate: str = "") -> None:
        self.path = path
        self.failures = failures
        self.gate = gate

    def deliver(self, event: Heard) -> None:
        if self.failures:
            append_effect(f"{self.path}.tries", event.event)
            if len(effects(f"{self.path}.tries")) <= self.failures:
                raise RuntimeError("as asked")
        append_effect(self.path, f"{event.instance_id} {event.event_id} {event.event} {event.task or '-'}")
        if self.gate:
            wait_until(Path(self.gate).exists, timeout=60, message=f"{self.gate} to let an event go")


in_memory: InMemory = InMemory()
"""What the settings of in-process tests name: set it anew in a fixture."""


class Careless:
    """Fails with its secret in the error."""

    name = "careless"
    events = EVERYTHING
    secrets = ("correct-horse-battery-staple",)

    def deliver(self, event: Heard) -> None:
        raise RuntimeError(f"cannot log in with {self.secrets[0]}")
