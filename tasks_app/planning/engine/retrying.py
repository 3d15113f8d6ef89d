"""When a failed attempt is tried again, and how long to wait before. Pure."""

from typing import Protocol

from tasks_app.outcomes import Failed

LONGEST_SECONDS = 7 * 86_400.0
"""No wait between attempts is longer, whatever a policy or a server asks for."""


class RetryPolicy(Protocol):
    """How often and how patiently failed attempts are repeated; ``RetrySpec`` is one."""

    @property
    def count(self) -> int: ...
    @property
    def interval(self) -> float: ...
    @property
    def backoff(self) -> str: ...
    @property
    def max_interval(self) -> float: ...
    @property
    def jitter(self) -> bool: ...
    @property
    def on(self) -> tuple[str, ...]: ...


def retry_wait(*, policy: RetryPolicy | None, failed: Failed, failures: int, chance: float) -> float | None:
    """Return the seconds until the next attempt, or None when there is none.

    ``failures`` counts this one. ``chance`` is a random number, 0 to 1. A wait a
    server asked for wins over the policy's own, and is only ever made longer by
    jitter. Fixed: i; linear: i, 2i, 3i …; exponential: i, 2i, 4i …; each at most
    ``max_interval``; jitter takes up to half of it away.
    """
    if policy is None or not failed.retryable or failures > policy.count:
        return None
    if policy.on and failed.kind not in policy.on:
        return None
    if failed.retry_after_seconds is not None:
        asked = max(0.0, failed.retry_after_seconds)
        return min(LONGEST_SECONDS, asked * (1 + 0.1 * chance) if policy.jitter else asked)
    match policy.backoff:
        case "fixed":
            wait = policy.interval
        case "linear":
            wait = policy.interval * failures
        case _:
            wait = policy.interval * 2.0 ** min(failures - 1, 60)
    wait = min(wait, policy.max_interval)
    return wait * (1 - 0.5 * chance) if policy.jitter else wait
