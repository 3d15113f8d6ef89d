"""The one typed view of CPDS's own settings: name, type, default, unit and meaning in one place.

Django's ``settings.CPDS`` is a mapping of overrides; what it does not set has the
default here. Values are read when they are used, so tests can override them.
docs/settings.md is generated from this file: ``make docs``.
"""

from copy import copy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

T = TypeVar("T")


def setting(default: T, meaning: str, *, unit: str = "", env: str = "") -> T:
    """Declare a setting; ``env`` is the environment variable that sets it, read as its type says."""
    metadata = {"meaning": meaning, "unit": unit, "env": env}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Conf:
    """CPDS's settings. Seconds are seconds; bytes are bytes."""

    state_dir: str = setting(
        "var",
        "The state directory: workspaces of attempts, and in standalone mode the database, broker, "
        "logs and secret key.",
        env="CPDS_STATE_DIR",
    )
    mode: str = setting(
        "standalone",
        "The mode of this installation, set by the settings module and noted on every execution record.",
    )
    lease_seconds: float = setting(
        30,
        "How long a claim lasts without renewal; then its task is taken from the worker. Raised to "
        "three heartbeats when those are longer and it is not set.",
        unit="seconds",
        env="CPDS_LEASE_SECONDS",
    )
    heartbeat_seconds: float = setting(
        10,
        "Interval of a worker's heartbeats, which also renew its leases. At most a third of the "
        "lease; a worker silent for three of these is offline.",
        unit="seconds",
        env="CPDS_HEARTBEAT_SECONDS",
    )
    sweep_seconds: float = setting(
        2,
        "Interval of the sweep; beat triggers it in whole seconds, rounded up. A worker sweeps "
        "itself when there was none for three of these.",
        unit="seconds",
        env="CPDS_SWEEP_SECONDS",
    )
    redeliver_seconds: float = setting(
        10,
        "How long a published task may stay unclaimed, while slots are free, before it is published again.",
        unit="seconds",
        env="CPDS_REDELIVER_SECONDS",
    )
    schedule_grace_seconds: float = setting(
        60,
        "How late a schedule with `catchup: none` may fire.",
        unit="seconds",
    )
    drain_seconds: float = setting(
        20,
        "How long running tasks may go on when their worker is told to stop; then they are handed "
        "back. Standalone sets 0 for its own worker.",
        unit="seconds",
        env="CPDS_DRAIN_SECONDS",
    )
    losses_to_quarantine: int = setting(
        3,
        "How many workers a task may lose; then it fails as `quarantined`.",
        unit="workers",
    )
    window_per_slot: float = setting(
        2.0,
        "Publish window: messages out at a time for each free slot.",
        unit="messages",
    )
    window_minimum: int = setting(
        16,
        "The least publish window, however few slots are free.",
        unit="messages",
    )
    chain_piece: int = setting(
        25,
        "Tasks in one chain message at most: a chain's message carries all that is left of it.",
        unit="tasks",
    )
    default_timeout_seconds: float | None = setting(
        None,
        "Timeout of an attempt when neither its task nor its workflow sets one; streams have none.",
        unit="seconds",
    )
    prune_after_days: float = setting(
        0,
        "How long ended instances are kept; then the sweep deletes them. 0: for ever.",
        unit="days",
    )
    worker_keep_days: float = setting(
        28,
        "How long an offline worker is remembered; then the sweep deletes its row. 0: for ever.",
        unit="days",
        env="CPDS_WORKER_KEEP_DAYS",
    )
    output_bytes: int = setting(
        4 * 1024 * 1024,
        "The largest output of a task that is stored, as JSON in UTF-8.",
        unit="bytes",
    )
    stream_batches_ahead: int = setting(
        10,
        "How far a stream may be ahead of its slowest dependant before `ctx.emit` waits.",
        unit="batches",
        env="CPDS_STREAM_BATCHES_AHEAD",
    )
    allowed_hosts: list[str] = setting(
        [],
        "Private hosts, `host` or `host:port`, that `http_request` may call nevertheless.",
        env="CPDS_HTTP_ALLOWED_HOSTS",
    )
    capabilities: list[str] = setting(
        [],
        "Capabilities of this node beside those that its worker detects.",
        env="CPDS_CAPABILITIES",
    )
    labels: list[str] = setting(
        [],
        "Labels of this node, shown and matched with nothing: `zone=north`.",
        env="CPDS_LABELS",
    )
    worker_projects: list[str] = setting(
        [],
        "Slugs of the only projects whose tasks this node takes; empty: of all projects.",
        env="CPDS_WORKER_PROJECTS",
    )
    capability_limits: dict[str, int] = setting(
        {},
        "How many tasks that require a capability may be out at once in the whole installation: "
        '`{"gpu": 2}`. The same on every node.',
        env="CPDS_CAPABILITY_LIMITS",
    )
    function_modules: list[str] = setting(
        [],
        "Python modules that register task functions. The same for every process.",
        env="CPDS_FUNCTION_MODULES",
    )
    services: dict[str, Any] = setting(
        {},
        "What `ctx.service(name)` returns: an object, or the dotted path of a callable that makes it.",
    )
    listeners: list[Any] = setting(
        [],
        "The listeners of events: dotted paths or names, or mappings with `listener`, `name`, "
        "`events` and `options`; see docs/listeners.md.",
        env="CPDS_LISTENERS",
    )
    listener_parallel: int = setting(
        4,
        "Deliveries of one listener at a time, so that one that hangs does not take every slot.",
        unit="deliveries",
    )
    listener_lease_seconds: float = setting(
        60,
        "How long a delivery lasts without renewal; then another worker makes it again.",
        unit="seconds",
        env="CPDS_LISTENER_LEASE_SECONDS",
    )
    listener_attempts: int = setting(
        10,
        "Failures in a row after which a listener gets no more events of that instance until "
        "`manage.py listener retry`.",
        unit="failures",
    )
    listener_backoff_seconds: float = setting(
        5,
        "The wait after a listener's first failure, doubled by each further one.",
        unit="seconds",
        env="CPDS_LISTENER_BACKOFF_SECONDS",
    )
    listener_backoff_max_seconds: float = setting(
        600,
        "The longest wait between a listener's tries.",
        unit="seconds",
    )
    http_worker_executors: list[str] = setting(
        [],
        "Executors whose tasks HTTP workers may take too, beside those of `external`: "
        "`claude,shell_command`.",
        env="CPDS_HTTP_WORKER_EXECUTORS",
    )
    long_polls: int = setting(
        32,
        "Requests of one web process that may wait for a task at once. Each keeps a thread beside "
        "those of `web_threads`, and no database connection.",
        unit="requests",
        env="CPDS_LONG_POLLS",
    )
    trust_local: bool = setting(
        False,
        "Whether requests from this machine need no credentials. Only for a server that only this "
        "machine can reach; standalone sets it for itself.",
        env="CPDS_TRUST_LOCAL",
    )
    access_seconds: float = setting(900, "Lifetime of an access token of the API.", unit="seconds")
    refresh_seconds: float = setting(
        7 * 86_400,
        "Lifetime of a refresh token, which is good once.",
        unit="seconds",
    )
    body_bytes: int = setting(16 * 1024 * 1024, "The largest body of a request to the API.", unit="bytes")
    requests_per_minute: int = setting(
        6000,
        "Rate limit of one token, user or address. 0: none.",
        unit="requests",
        env="CPDS_REQUESTS_PER_MINUTE",
    )
    worker_requests_per_minute: int = setting(
        60_000,
        "Rate limit of one worker's token. 0: none.",
        unit="requests",
        env="CPDS_WORKER_REQUESTS_PER_MINUTE",
    )
    logins_per_minute: int = setting(
        10,
        "Login attempts from one address, and with one user name. 0: no limit.",
        unit="attempts",
        env="CPDS_LOGINS_PER_MINUTE",
    )
    claude_api_key: str = setting(
        "",
        "Anthropic's API key. Without one `claude` tasks are rehearsed (standalone) or fail as "
        "`not_configured` (cloud).",
        env="ANTHROPIC_API_KEY",
    )
    claude_base_url: str = setting(
        "",
        "Another address of the Messages API than Anthropic's.",
        env="ANTHROPIC_BASE_URL",
    )
    rehearsal_url: str = setting(
        "",
        "Address of a `fake_claude` to rehearse against, used only without an API key. Standalone "
        "starts one by itself.",
        env="CPDS_REHEARSAL_URL",
    )
    model_prices_file: str = setting(
        "config/model_prices.yaml",
        "The file with the prices of tokens by model.",
    )
    web_threads: int = setting(
        8,
        "Requests that one web server performs at a time; each thread keeps a database connection.",
        unit="requests",
        env="CPDS_WEB_THREADS",
    )
    trusted_proxies: list[str] = setting(
        [],
        "Addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
        env="CPDS_TRUSTED_PROXIES",
    )
    access_log: bool = setting(
        False,
        "Whether the web server logs a line for each request, without its query; health checks are left out.",
        env="CPDS_ACCESS_LOG",
    )
    probe_seconds: float = setting(
        2,
        "How long a health check waits for the database or the broker before it reports it as down.",
        unit="seconds",
        env="CPDS_PROBE_SECONDS",
    )

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
