"""What each child of the supervisor is."""

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cpds.api.requests.exposure import is_loopback
from cpds.host.standalone.processes.child import ChildSpec
from cpds.host.standalone.processes.probes import (
    announces_url,
    answers_http,
    answers_ping,
    makes_file,
    writes_its_pid,
)
from cpds.host.standalone.state import StateDirectory

# How long each may take to stop, in seconds. All is gone within five seconds of Ctrl-C, so one after another
# (the last two together) they come to less.
BEAT_PATIENCE, WEB_PATIENCE, WORKER_PATIENCE, FAKE_CLAUDE_PATIENCE, BROKER_PATIENCE = 0.6, 1.2, 2.0, 0.8, 0.8
WEB_GRACE_SECONDS = 1
"""How long the web server waits for open requests, event streams among them, before it closes them."""


@dataclass(kw_only=True)
class Rehearsal:
    """Where the rehearsal's Messages API listens, known once it has started."""

    url: str = ""

    @property
    def port(self) -> str:
        """The port it took; every later life takes the same one, since the worker keeps its address."""
        return self.url.rpartition(":")[2].strip("/") or "0"

    def found_at(self, url: str) -> None:
        """Note the address it announced."""
        self.url = url


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What the children of one supervisor have in common."""

    state: StateDirectory
    project: Path
    """The directory of ``manage.py``: children run there, so that ``-m`` finds the code."""
    rehearsal: Rehearsal = field(default_factory=Rehearsal)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a child."""
        chosen = {
            "CPDS_STATE_DIR": str(self.state.path),
            "CPDS_MODE": "standalone",
            "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
            "PYTHONUNBUFFERED": "1",
        }
        if self.rehearsal.url:
            chosen["CPDS_REHEARSAL_URL"] = self.rehearsal.url
        return {**os.environ, **chosen, **more}


def broker(installation: Installation, *, binary: Path, socket: Path) -> ChildSpec:
    """Return the embedded broker: on a Unix socket only, with an append-only file."""
    state = installation.state
    flags: Mapping[str, str] = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "dir": str(state.broker_files),
        "maxmemory-policy": "noeviction",
    }
    return ChildSpec(
        name="broker",
        argv=lambda: [str(binary), *(part for name, value in flags.items() for part in (f"--{name}", value))],
        environment=installation.environment,
        directory=installation.project,
        log=state.log("broker"),
        probe=lambda: answers_ping(socket),
        patience_seconds=BROKER_PATIENCE,
        advice=f"Its files hold nothing that must be kept: if they are damaged, remove {state.broker_files}.",
    )


def fake_claude(installation: Installation) -> ChildSpec:
    """Return the rehearsal's Messages API, for an installation without an API key."""
    log = installation.state.log("fake_claude")
    rehearsal = installation.rehearsal
    return ChildSpec(
        name="fake_claude",
        argv=lambda: [
            *(sys.executable, str(installation.project / "manage.py"), "fake_claude"),
            *("--host", "127.0.0.1", "--port", rehearsal.port, "--json"),
        ],
        environment=installation.environment,
        directory=installation.project,
        log=log,
        probe=lambda: announces_url(log, rehearsal.found_at),
        patience_seconds=FAKE_CLAUDE_PATIENCE,
    )


def worker_argv(*, name: str, concurrency: int) -> list[str]:
    """Return what Python is told to run a Celery worker of this node name."""
    return [
        *("-m", "celery", "-A", "cpds", "worker"),
        *("-P", "threads", "-c", str(concurrency), "-n", name),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def worker(installation: Installation, *, concurrency: int) -> ChildSpec:
    """Return the Celery worker; its node name is the same each time and unique to the state directory."""
    state = installation.state
    name = f"standalone-{hashlib.sha256(os.fsencode(state.path)).hexdigest()[:8]}@%h"
    return ChildSpec(
        name="worker",
        argv=lambda: [sys.executable, *worker_argv(name=name, concurrency=concurrency)],
        # What runs is handed back at once when it stops: to let it go on would take longer than there is.
        environment=lambda: installation.environment(
            CPDS_READY_FILE=str(state.worker_ready_file), CPDS_DRAIN_SECONDS="0"
        ),
        directory=installation.project,
        log=state.log("worker"),
        probe=lambda: makes_file(state.worker_ready_file),
        after=("broker", "fake_claude"),
        patience_seconds=WORKER_PATIENCE,
    )


def web(installation: Installation, *, listening: int, host: str, port: int) -> ChildSpec:
    """Return the web server; ``listening`` is the file descriptor of its socket."""
    here = "127.0.0.1" if host in {"0.0.0.0", ""} else "::1" if host == "::" else host  # noqa: S104 - compared only
    hosts = os.environ.get("CPDS_ALLOWED_HOSTS")
    # Whoever can reach a loopback address sits at this machine.
    trust = os.environ.get("CPDS_TRUST_LOCAL") or "1" if is_loopback(host) else "0"
    if not hosts and not is_loopback(host):
        hosts = f"localhost,127.0.0.1,[::1],{host},{os.uname().nodename}"
    return ChildSpec(
        name="web",
        argv=lambda: [
            *(sys.executable, str(installation.project / "manage.py"), "server", "start"),
            *("--listening", str(listening), "--grace", str(WEB_GRACE_SECONDS)),
        ],
        environment=lambda: installation.environment(
            CPDS_TRUST_LOCAL=trust, **({"CPDS_ALLOWED_HOSTS": hosts} if hosts else {})
        ),
        directory=installation.project,
        log=installation.state.log("web"),
        probe=lambda: answers_http((here, port)),
        after=("broker",),
        patience_seconds=WEB_PATIENCE,
        open_files=(listening,),
    )


def beat(installation: Installation) -> ChildSpec:
    """Return celery beat, which ticks the chores."""
    pid_file = installation.state.beat_pid_file
    return ChildSpec(
        name="beat",
        argv=lambda: [
            *(sys.executable, "-m", "celery", "-A", "cpds", "beat"),
            *("--pidfile", str(pid_file)),
        ],
        environment=installation.environment,
        directory=installation.project,
        log=installation.state.log("beat"),
        probe=lambda: writes_its_pid(pid_file),
        after=("broker",),
        patience_seconds=BEAT_PATIENCE,
    )
