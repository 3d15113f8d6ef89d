"""Local workers, as many as are wanted: started, kept alive, drained and stopped."""

import logging
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings

from cpds.base.clock import monotonic
from cpds.base.conf import conf
from cpds.host.standalone.processes.child import Child, ChildSpec
from cpds.host.standalone.processes.children import worker_argv
from cpds.host.standalone.processes.deathwatch import Deathwatch
from cpds.host.standalone.processes.interrupts import Interrupts
from cpds.host.standalone.processes.probes import makes_file
from cpds.host.standalone.state import StateDirectory
from tasks_app.errors import NotFound
from tasks_app.services.lookup.running import running_by_worker
from workers_app.fleet.operators import drain_worker, find_worker, undrain_worker

TURN_SECONDS: Final = 0.1
HANDING_BACK_SECONDS: Final = 15.0
"""What a worker that was told to stop may need beside its drain time."""
LEAVING_LOOK_SECONDS: Final = 1.0
"""Between looks at the record of one that is to go: none heeds a wish sooner, and a task may take hours."""

logger = logging.getLogger(__name__)


def worker_spec(*, name: str, slots: int, state: StateDirectory) -> ChildSpec:
    """Return a worker of this machine, with this process's environment. ``name``: its node's, in full."""
    word = name.partition("@")[0]
    ready_file = state.path / f"{word}.ready"
    own = {
        "CPDS_STATE_DIR": str(conf().state_path),
        "CPDS_READY_FILE": str(ready_file),
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "PYTHONUNBUFFERED": "1",
    }
    return ChildSpec(
        name=word,
        argv=lambda: [sys.executable, *worker_argv(name=name, concurrency=slots)],
        environment=lambda: {**os.environ, **own},
        directory=Path(settings.BASE_DIR),
        log=state.log(word),
        probe=lambda: makes_file(ready_file),
        patience_seconds=conf().drain_seconds + HANDING_BACK_SECONDS,
    )


@dataclass
class _Leaving:
    """A worker that is to go.

    ``look_at``: when to see again whether it still runs something. ``asked_at``: when
    it was told to stop, since it runs nothing any more.
    """

    is_drained: bool = False
    look_at: float = 0.0
    asked_at: float | None = None


@dataclass(kw_only=True)
class WorkerPool:
    """Numbered workers called ``prefix-1@host`` and so on; each call of :meth:`turn` looks at every one."""

    prefix: str
    slots: int
    state: StateDirectory
    deathwatch: Deathwatch
    interrupts: Interrupts
    _children: dict[int, Child] = field(default_factory=dict)
    _leaving: dict[int, _Leaving] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many there are that are to stay."""
        return len(self._children) - len(self._leaving)

    @property
    def leaving(self) -> int:
        """How many finish what they run, and go."""
        return len(self._leaving)

    def names(self) -> set[str]:
        """Return the names of all that there are, under which they register."""
        return {self._name(number) for number in self._children}

    def scale_to(self, workers: int) -> None:
        """Have so many from now on: those that were to leave come back first, idle ones leave first.

        :raises django.db.Error: when the database is away; what was not done is done at the next call.
        """
        self._come_back(workers - self.size)
        while self.size < workers:
            number = next(each for each in range(1, len(self._children) + 2) if each not in self._children)
            self._forget_drain(number)
            spec = worker_spec(name=self._name(number), slots=self.slots, state=self.state)
            self._children[number] = Child(spec, deathwatch=self.deathwatch)
        if self.size > workers:
            running = running_by_worker()
            staying = [number for number in self._children if number not in self._leaving]
            staying.sort(key=lambda number: (running.get(self._name(number), 0), -number))
            for number in staying[: self.size - workers]:
                self._leaving[number] = _Leaving()

    def turn(self) -> None:
        """Start what is due, note what died, and stop whoever is to leave and runs nothing any more.

        :raises ChildKeepsDying: when one of them died too often.
        :raises django.db.Error: when the database is away while somebody is to leave.
        """
        self.deathwatch.renew()
        for number, child in self._children.items():
            if number not in self._leaving:
                child.look(may_start=True)
        for number in list(self._leaving):
            self._see_off(number)

    def stop(self) -> None:
        """Stop all at the same time: what runs has the drain time; at once when someone insists."""
        for child in self._children.values():
            child.ask_to_stop()
        asked_at = monotonic()
        while any([not child.is_gone() for child in self._children.values()]):  # noqa: C419 - look at each
            for child in self._children.values():
                if self.interrupts.insisted or monotonic() > asked_at + child.spec.patience_seconds:
                    child.kill()
            self.interrupts.wait(TURN_SECONDS)
        self._children.clear()

    def undrain_all(self) -> None:
        """Take back the wishes that those which were leaving take nothing new; they would outlive them."""
        for number in list(self._leaving):
            self._forget_drain(number)
            del self._leaving[number]

    def _come_back(self, missing: int) -> None:
        drained = [number for number, leaving in self._leaving.items() if leaving.asked_at is None]
        for number in drained[: max(0, missing)]:
            self._forget_drain(number)
            del self._leaving[number]

    def _see_off(self, number: int) -> None:
        child, leaving = self._children[number], self._leaving[number]
        if child.is_gone():
            self._forget_drain(number)
            del self._children[number], self._leaving[number]
        elif leaving.asked_at is not None:
            if monotonic() > leaving.asked_at + child.spec.patience_seconds:
                child.kill()
        elif monotonic() >= leaving.look_at:
            leaving.look_at = monotonic() + LEAVING_LOOK_SECONDS
            if self._runs_nothing(number, child, leaving):
                child.ask_to_stop()
                leaving.asked_at = monotonic()

    def _runs_nothing(self, number: int, child: Child, leaving: _Leaving) -> bool:
        """Return whether it takes no task any more, and has none. One that is not ready never had one."""
        name = self._name(number)
        try:
            if not leaving.is_drained:
                drain_worker(name)
                leaving.is_drained = True
            # It closes its queues when it has read the wish.
            has_obeyed = find_worker(name).queues == []
        except NotFound:
            return not child.ready
        return (has_obeyed or not child.ready) and not running_by_worker().get(name)

    def _forget_drain(self, number: int) -> None:
        try:
            undrain_worker(self._name(number))
        except NotFound:
            logger.debug("worker_never_registered worker=%s", self._name(number))

    def _name(self, number: int) -> str:
        return f"{self.prefix}-{number}@{socket.gethostname()}"
