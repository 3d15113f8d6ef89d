"""Which faults are committed, and when. The same seed, time and mode make the same plan."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

STANDALONE: Final = "standalone"
CLOUD: Final = "cloud"
MODES: Final = (STANDALONE, CLOUD)
DATABASES: Final = {STANDALONE: "SQLite", CLOUD: "PostgreSQL"}


class Fault(StrEnum):
    """What can go wrong on purpose."""

    KILL_WORKER = "worker killed with -9, another started"
    RENEW_WORKER = "worker killed with -9, started anew under its name"
    FREEZE_WORKER = "worker frozen past its lease, then thawed"
    EMPTY_BROKER = "broker emptied"
    RESTART_BROKER = "broker killed, restarted empty"
    DUPLICATE_MESSAGES = "messages duplicated, old ones replayed"
    REORDER_MESSAGES = "messages reordered"
    DOUBLE_BEAT = "beat doubled"
    KILL_BEAT = "beats killed: only workers tick"
    RESTART_DATABASE = "PostgreSQL restarted (fast)"
    CRASH_DATABASE = "PostgreSQL restarted (immediate)"
    END_SESSIONS = "connections to PostgreSQL ended"


OF_THE_SERVER: Final = frozenset({Fault.RESTART_DATABASE, Fault.CRASH_DATABASE, Fault.END_SESSIONS})
OFTEN: Final = (Fault.KILL_WORKER, Fault.KILL_WORKER, Fault.EMPTY_BROKER)
"""What is drawn more often than the rest."""
FIRST_AT_SECONDS: Final = 2.0
REST_SECONDS: Final = 3.0
"""At the end of a run, for what was done last to show."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One fault: when, in seconds from the start, and a number 0..1 that decides its details."""

    at: float
    fault: Fault
    chance: float


def possible_faults(mode: str) -> list[Fault]:
    """Return the faults that can be committed in this mode."""
    return [fault for fault in Fault if mode == CLOUD or fault not in OF_THE_SERVER]


def plan_faults(*, seed: int, seconds: float, mode: str, spacing: float) -> Sequence[Planned]:
    """Return the faults of one run in the order of their times.

    Each kind comes once, in a random order, before any comes again; ``spacing``
    is the mean time between two, in seconds.
    """
    chance = random.Random(f"{seed}/{mode}")
    possible = possible_faults(mode)
    once = chance.sample(possible, len(possible))
    planned: list[Planned] = []
    at = FIRST_AT_SECONDS
    while at < seconds - REST_SECONDS:
        fault = once.pop() if once else chance.choice([*possible, *OFTEN])
        planned.append(Planned(at=round(at, 3), fault=fault, chance=chance.random()))
        at += chance.uniform(0.4, 1.6) * spacing
    return planned
