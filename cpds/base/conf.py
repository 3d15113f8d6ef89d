"""The one typed view of CPDS's own settings: name, type, default and unit on a line.

Django's ``settings.CPDS`` is a mapping of overrides; what it does not set has the
default here. Values are read when they are used, so tests can override them.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.conf import settings


@dataclass(frozen=True, kw_only=True)
class Conf:
    """CPDS's settings. Seconds are seconds; bytes are bytes."""

    state_dir: str = "var"
    mode: str = "standalone"
    """Which kind of installation this is, said by its settings module; noted on every execution record."""
    lease_seconds: float = 30
    """How long a claim lasts without being renewed; then its task is taken from the worker."""
    heartbeat_seconds: float = 10
    """How often a worker says it is alive and renews its claims. At most a third of the lease; a worker that
    is silent for three of these is gone."""
    sweep_seconds: float = 2
    """How often the chores run. A worker sweeps itself when none has run for three of these."""
    redeliver_seconds: float = 10
    """How long a published task may stay unclaimed, while slots are free, before it is published again."""
    schedule_grace_seconds: float = 60
    """How late a schedule may fire that does not make up for missed fires."""
    drain_seconds: float = 20
    """How long running tasks may go on when their worker is told to stop; then they are handed back."""
    losses_to_quarantine: int = 3
    """How many workers a task may lose before it is failed instead of started again."""
    window_per_slot: float = 2.0
    """Messages out at a time for each slot of the fleet."""
    window_minimum: int = 16
    chain_piece: int = 25
    """Tasks in one chain message at most: a chain's message carries all that is left of it."""
    default_timeout_seconds: float | None = None
    prune_after_days: float = 0
    """How long ended instances are kept; then the chores delete them. 0: for ever."""
    worker_keep_days: float = 28
    """How long a worker that is offline is remembered; then the chores delete its row. 0: for ever."""
    output_bytes: int = 4 * 1024 * 1024
    """The largest output of a task that is stored."""
    stream_batches_ahead: int = 10
    """How many batches a stream may be ahead of its slowest dependant before ``ctx.emit`` waits."""
    allowed_hosts: list[str] = field(default_factory=list)
    """Private hosts (``name`` or ``name:port``) that http_request may nevertheless call."""
    capabilities: list[str] = field(default_factory=list)
    """What a worker can do beside what it finds out by itself."""
    labels: list[str] = field(default_factory=list)
    """What its operator says of a worker, for people: ``name=value``."""
    worker_projects: list[str] = field(default_factory=list)
    """The slugs of the only projects whose tasks a worker takes; none named: of any."""
    capability_limits: dict[str, int] = field(default_factory=dict)
    """How many tasks that require a capability may be out at once, in the whole installation."""
    function_modules: list[str] = field(default_factory=list)
    services: dict[str, Any] = field(default_factory=dict)
    """What ``ctx.service(name)`` returns: an object, or the dotted path of a callable that makes it."""
    listeners: list[Any] = field(default_factory=list)
    """Who hears what happens: dotted paths or names, or mappings with ``listener``, ``name``, ``events`` and
    ``options``. See docs/listeners.md."""
    listener_parallel: int = 4
    """Deliveries of one listener at a time, so that one that hangs does not take every slot."""
    listener_lease_seconds: float = 60
    """How long a delivery lasts without being renewed; then another worker tells the listener again."""
    listener_attempts: int = 10
    """Failures in a row before a listener is told no more of that instance until an operator says so."""
    listener_backoff_seconds: float = 5
    """The wait after the first failure; each further one doubles it."""
    listener_backoff_max_seconds: float = 600
    http_worker_executors: list[str] = field(default_factory=list)
    """Executors whose tasks workers that speak HTTP may take too, beside those of ``external``."""
    long_polls: int = 32
    """Requests of one web process that may wait at once until there is a task for a worker.

    Each keeps a thread, beside those of ``web_threads``; while it waits it has no connection to the database.
    """
    trust_local: bool = False
    """Whether requests from this machine need no credentials; only for a server that only it can reach."""
    access_seconds: float = 900
    """How long an access token of the API is good."""
    refresh_seconds: float = 7 * 86_400
    """How long a refresh token is good, unless it is used before."""
    body_bytes: int = 16 * 1024 * 1024
    """The largest body of a request to the API."""
    requests_per_minute: int = 6000
    """Requests of one token, user or address in a minute. 0: as many as they like."""
    worker_requests_per_minute: int = 60_000
    """The same for one worker's token."""
    logins_per_minute: int = 10
    """Attempts to log in from one address, and with one name, in a minute."""
    claude_api_key: str = ""
    claude_base_url: str = ""
    rehearsal_url: str = ""
    """Where the rehearsal's Messages API listens; used only when there is no ``claude_api_key``."""
    model_prices_file: str = "config/model_prices.yaml"
    web_threads: int = 8
    """Requests the web server performs at a time; each thread keeps a connection to the database."""
    trusted_proxies: list[str] = field(default_factory=list)
    """Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    access_log: bool = False
    """Whether the web server logs a line for each request, the probes' excepted."""
    probe_seconds: float = 2
    """How long a health check waits for the database or the broker before it says that it is away."""

    @property
    def state_path(self) -> Path:
        """The state directory as a path."""
        return Path(self.state_dir)


NAMES = frozenset(each.name for each in fields(Conf))


def conf() -> Conf:
    """Return the settings in force."""
    overrides = getattr(settings, "CPDS", None) or {}
    if _read.overrides is not overrides:  # tests replace the mapping whole
        _read.conf = Conf(**{name: value for name, value in overrides.items() if name in NAMES})
        _read.overrides = overrides
    return _read.conf


class _Read:
    overrides: Any = None
    conf = Conf()


_read = _Read()
