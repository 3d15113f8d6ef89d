"""All children together: started in order, kept alive, stopped in order."""

from collections.abc import Iterable

from cpds.base.clock import monotonic
from cpds.standalone.child import Child, ChildSpec
from cpds.standalone.deathwatch import Deathwatch
from cpds.standalone.interrupts import Interrupts

STOP_ORDER = ("beat", "web", "worker", "fake_claude", "broker")
"""Nothing new is ticked, then asked for, then begun; then what those lean on goes."""
TURN_SECONDS = 0.1


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
        for name in STOP_ORDER:
            child = self._children.get(name)
            if child is None:
                continue
            child.ask_to_stop()
            self._wait_until_gone(child)
        self._children.clear()

    def _wait_until_gone(self, child: Child) -> None:
        deadline = monotonic() + child.spec.patience_seconds
        while not child.is_gone():
            if self._interrupts.insisted or monotonic() > deadline:
                child.kill()
            self._interrupts.wait(TURN_SECONDS / 2)
