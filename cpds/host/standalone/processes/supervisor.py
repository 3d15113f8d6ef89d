"""All children together: started in order, kept alive, stopped in order."""

import logging
from collections.abc import Iterable

from cpds.base.clock import monotonic
from cpds.host.standalone.processes.child import Child, ChildSpec
from cpds.host.standalone.processes.deathwatch import Deathwatch
from cpds.host.standalone.processes.interrupts import Interrupts

STOP_ORDER = (("beat",), ("web",), ("worker",), ("fake_claude", "broker"))
"""Nothing new is ticked, then asked for, then begun; then what those lean on goes, together."""
TURN_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Supervisor:
    """Keeps children alive; each call of :meth:`turn` looks at every one once."""

    def __init__(self, *, deathwatch: Deathwatch, interrupts: Interrupts) -> None:
        self._deathwatch = deathwatch
        self._interrupts = interrupts
        self._children: dict[str, Child] = {}

    def add(self, specs: Iterable[ChildSpec]) -> None:
        """Take on children; the next turn starts those whose precedents are ready."""
        for spec in specs:
            self._children[spec.name] = Child(spec, deathwatch=self._deathwatch)

    def turn(self) -> bool:
        """Start what is due, note what died; return whether anything changed.

        :raises ChildKeepsDying: when one of them died too often.
        """
        self._deathwatch.renew()
        changes = [child.look(may_start=self._may_start(child.spec)) for child in self._children.values()]
        return any(changes)

    def _may_start(self, spec: ChildSpec) -> bool:
        return all(self._children[name].ready for name in spec.after if name in self._children)

    def all_ready(self) -> bool:
        """Return whether every child is ready."""
        return all(child.ready for child in self._children.values())

    def wait_until_ready(self) -> bool:
        """Take turns until every child is ready; return False when interrupted first.

        :raises ChildKeepsDying: when one of them died too often.
        """
        while not self._interrupts.asked:
            self.turn()
            if self.all_ready():
                return True
            self._interrupts.wait(TURN_SECONDS)
        return False

    def pids(self) -> dict[str, int]:
        """Return the process id of each child that lives."""
        return {name: child.pid for name, child in self._children.items() if child.pid is not None}

    def stop(self) -> None:
        """Stop all, in order, within the sum of their patience; at once when someone insists."""
        for names in STOP_ORDER:
            children = [self._children[name] for name in names if name in self._children]
            asked_at = monotonic()
            for child in children:
                child.ask_to_stop()
            for child in children:
                self._wait_until_gone(child, asked_at=asked_at)
        self._children.clear()

    def _wait_until_gone(self, child: Child, *, asked_at: float) -> None:
        killed = False
        while not child.is_gone():
            if self._interrupts.insisted or monotonic() > asked_at + child.spec.patience_seconds:
                child.kill()
                killed = True
            self._interrupts.wait(TURN_SECONDS / 2)
        seconds = monotonic() - asked_at
        logger.info("child_stopped child=%s seconds=%.2f killed=%s", child.spec.name, seconds, killed)
