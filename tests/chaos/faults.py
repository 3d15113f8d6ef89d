"""How each fault is committed, and what is put right later."""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tests.chaos.crew import Crew, Held
from tests.chaos.plan import Fault, Planned
from tests.chaos.site import Site

QUEUE: Final = "cpds\x06\x166"
"""What overtakes nobody; kombu puts the priority behind the queue's name."""
STASHED: Final = 200
FREEZE_LEASES: Final = 1.5
"""How long a worker is frozen, in leases."""
AWAY_SECONDS: Final = 2.0
"""How long, at most, a broker is away; beats are for twice as long."""

Later = tuple[float, Callable[[], None]]
"""What puts things right, and after how many seconds."""


@dataclass(frozen=True, kw_only=True)
class Committed:
    """A fault that was committed. ``hit`` are the tasks that the worker held which was killed or frozen."""

    fault: Fault
    at: datetime
    hit: Held = field(default_factory=list)


class Nemesis:
    """Commits faults against one site and its crew."""

    def __init__(self, *, site: Site, crew: Crew, lease_seconds: float) -> None:
        self.site = site
        self.crew = crew
        self.lease_seconds = lease_seconds
        self._stash: list[bytes] = []
        self._acts: dict[Fault, Callable[[float], Iterator[Held | Later]]] = {
            Fault.KILL_WORKER: self._kill_worker,
            Fault.RENEW_WORKER: self._renew_worker,
            Fault.FREEZE_WORKER: self._freeze_worker,
            Fault.EMPTY_BROKER: self._empty_broker,
            Fault.RESTART_BROKER: self._restart_broker,
            Fault.DUPLICATE_MESSAGES: self._duplicate_messages,
            Fault.REORDER_MESSAGES: self._reorder_messages,
            Fault.DOUBLE_BEAT: self._double_beat,
            Fault.KILL_BEAT: self._kill_beats,
            Fault.RESTART_DATABASE: self._restart_database,
            Fault.CRASH_DATABASE: self._crash_database,
            Fault.END_SESSIONS: self._end_sessions,
        }

    def commit(self, planned: Planned) -> tuple[Committed, list[Later]]:
        """Commit a fault; return it with what has to follow."""
        from cpds.base import clock

        at = clock.now()
        hit: Held = []
        later: list[Later] = []
        for said in self._acts[planned.fault](planned.chance):
            if isinstance(said, tuple):
                later.append(said)
            else:
                hit, at = said, clock.now()
        return Committed(fault=planned.fault, at=at, hit=hit), later

    def take_copies(self) -> None:
        """Keep copies of what is in the queue now, to be delivered again one day."""
        if self.site.broker.is_running:
            with self.site.broker.client() as client:
                self._stash = [*self._stash, *client.lrange(QUEUE, 0, 50)][-STASHED:]

    def _kill_worker(self, chance: float) -> Iterator[Held | Later]:
        worker, held = self.crew.busiest(chance)
        self.crew.kill_worker(worker)
        yield held
        self.crew.hire()

    def _renew_worker(self, chance: float) -> Iterator[Held | Later]:
        worker, held = self.crew.busiest(chance)
        worker.kill()
        yield held
        worker.start(wait=False)

    def _freeze_worker(self, chance: float) -> Iterator[Held | Later]:
        worker, held = self.crew.busiest(chance)
        if self.crew.frozen is not None:
            return
        worker.freeze()
        self.crew.frozen = worker
        yield held
        yield self.lease_seconds * FREEZE_LEASES, self.thaw

    def thaw(self) -> None:
        """Let a frozen worker go on."""
        if self.crew.frozen is not None:
            self.crew.frozen.thaw()
            self.crew.frozen = None

    def _empty_broker(self, chance: float) -> Iterator[Held | Later]:
        del chance
        if self.site.broker.is_running:
            self.site.broker.flush()
        return iter(())

    def _restart_broker(self, chance: float) -> Iterator[Held | Later]:
        self.site.broker.kill()
        yield chance * AWAY_SECONDS, self.site.broker.start

    def _duplicate_messages(self, chance: float) -> Iterator[Held | Later]:
        self.take_copies()
        copies = [*self._stash, *self._stash]
        random.Random(chance).shuffle(copies)
        if copies and self.site.broker.is_running:
            with self.site.broker.client() as client:
                client.lpush(QUEUE, *copies)
        return iter(())

    def _reorder_messages(self, chance: float) -> Iterator[Held | Later]:
        if self.site.broker.is_running:
            with self.site.broker.client() as client:
                waiting = client.pipeline().lrange(QUEUE, 0, -1).delete(QUEUE).execute()[0]
                random.Random(chance).shuffle(waiting)
                if waiting:
                    client.rpush(QUEUE, *waiting)
        return iter(())

    def _double_beat(self, chance: float) -> Iterator[Held | Later]:
        del chance
        self.crew.start_beat()
        return iter(())

    def _kill_beats(self, chance: float) -> Iterator[Held | Later]:
        self.crew.kill_beats()
        yield (1 + chance) * AWAY_SECONDS, self.crew.start_beat

    def _restart_database(self, chance: float) -> Iterator[Held | Later]:
        del chance
        assert self.site.postgresql is not None
        self.site.postgresql.restart()
        return iter(())

    def _crash_database(self, chance: float) -> Iterator[Held | Later]:
        del chance
        server = self.site.postgresql
        assert server is not None
        assert server.process is not None
        server.process.send_signal(signal.SIGQUIT)  # "immediate": no checkpoint, no goodbye
        server.process.wait(timeout=20)
        server.start()
        return iter(())

    def _end_sessions(self, chance: float) -> Iterator[Held | Later]:
        del chance
        assert self.site.postgresql is not None
        self.site.postgresql.end_sessions()
        return iter(())
