"""One stay of standalone mode, from the command line to the exit code."""

import contextlib
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import Error as DatabaseError

from config.settings import environment
from cpds.api.requests.exposure import check_exposure, is_loopback
from cpds.base.clock import monotonic
from cpds.base.conf import conf
from cpds.base.errors import CPDSError
from cpds.host.standalone import execution, logs
from cpds.host.standalone.errors import CannotGoOn, DatabaseUnusable, WrongMode
from cpds.host.standalone.options import Options
from cpds.host.standalone.processes import children, ports
from cpds.host.standalone.processes.broker_binary import find_broker_binary
from cpds.host.standalone.processes.children import Installation
from cpds.host.standalone.processes.deathwatch import Deathwatch
from cpds.host.standalone.processes.interrupts import Interrupts
from cpds.host.standalone.processes.supervisor import Supervisor
from cpds.host.standalone.screen.live_view import LiveView
from cpds.host.standalone.screen.presenting import JsonPresenter, Presenter, say
from cpds.host.standalone.screen.watch import Snapshot, Watch, take_snapshot
from cpds.host.standalone.state import StateDirectory, make_private
from tasks_app.cli.failures import failure_lines
from tasks_app.cli.files import shown_name
from tasks_app.errors import InvalidWorkflow
from tasks_app.states import InstanceState

COMPLETED, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
TURN_SECONDS = 0.2


def run(options: Options) -> int:
    """Run standalone mode and return the exit code.

    0: all completed; 1: something failed or was cancelled, or CPDS could not go on;
    2: the command line, the workflow or its parameters cannot be used; 130: interrupted.
    """
    out = sys.stdout
    try:
        # A user's module may print when it is imported, but stdout belongs to the document.
        with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
            return _run(options, out)
    except CannotGoOn as error:
        say(str(error))
        return error.exit_code
    except CPDSError as error:  # the workflow or its parameters were refused
        file = options.execute if isinstance(error, InvalidWorkflow) else options.params_file
        for line in failure_lines(error, file=shown_name(file) if file else None):
            say(line)
        return UNUSABLE


def _run(options: Options, out: TextIO) -> int:
    if conf().mode == "cloud":
        raise WrongMode(module=settings.SETTINGS_MODULE)
    check_exposure(options.host)
    state = StateDirectory(conf().state_path)
    with (
        state.claim() as lock,
        contextlib.closing(ports.listen(options.host, options.port)) as listening,
        Interrupts() as interrupts,
    ):
        files = execution.read_files(options)
        logs.send_supervisors_log_to(state.log("supervisor"))
        with _supervisor(lock, interrupts) as supervisor:
            return Session(
                options=options,
                files=files,
                out=out,
                listening=listening,
                interrupts=interrupts,
                supervisor=supervisor,
                installation=Installation(state=state, project=Path(settings.BASE_DIR)),
            ).run()


@contextlib.contextmanager
def _supervisor(lock: int, interrupts: Interrupts) -> Iterator[Supervisor]:
    with contextlib.closing(Deathwatch(lock=lock)) as deathwatch:
        supervisor = Supervisor(deathwatch=deathwatch, interrupts=interrupts)
        try:
            yield supervisor
        finally:
            supervisor.stop()


@dataclass(frozen=True, kw_only=True)
class Session:
    """What one stay holds in its hands."""

    options: Options
    files: execution.Files | None
    out: TextIO
    listening: socket.socket
    interrupts: Interrupts
    supervisor: Supervisor
    installation: Installation

    def run(self) -> int:
        """Start everything, stay as long as asked, and return the exit code."""
        self._add_what_others_lean_on()
        self.supervisor.turn()  # they start while the database is brought up to date
        _migrate()
        prepared = execution.prepare(self.files, pairs=self.options.params) if self.files else None
        before = take_snapshot()
        connections.close_all()
        self._add_the_rest()
        if not self.supervisor.wait_until_ready():
            return INTERRUPTED
        self._write_run_file()
        presenter = self._presenter()
        watch = Watch(
            before=before,
            prepared=prepared,
            until_quiet=self.options.auto_shutdown,
            with_overview=presenter.wants_overview,
        )
        try:
            presenter.announce(self._announcement())
            if watch.is_needed:
                watch.start()
            return self._stay(watch, presenter)
        finally:
            watch.close()
            presenter.close()

    def _add_what_others_lean_on(self) -> None:
        if not environment.text("CPDS_BROKER_URL"):
            broker_socket = environment.broker_socket(self.installation.state.path)
            make_private(broker_socket.parent)
            binary = find_broker_binary()
            self.supervisor.add([children.broker(self.installation, binary=binary, socket=broker_socket)])
        if self._is_rehearsal() and not conf().rehearsal_url:
            self.supervisor.add([children.fake_claude(self.installation)])

    def _add_the_rest(self) -> None:
        self.supervisor.add(
            [
                children.worker(self.installation, concurrency=self.options.concurrency),
                children.web(
                    self.installation,
                    listening=self.listening.fileno(),
                    host=self.options.host,
                    port=ports.port_of(self.listening),
                ),
                children.beat(self.installation),
            ]
        )

    def _stay(self, watch: Watch, presenter: Presenter) -> int:
        reported = False
        while True:
            if self.supervisor.turn() and self.supervisor.all_ready():
                self._write_run_file()
            look = watch.look
            if look.refused or look.broken:
                raise look.refused or look.broken or AssertionError
            if look.document and not reported:
                presenter.report(look.document)
                if not self.options.auto_shutdown:
                    presenter.announce([f"CPDS stays up at {self._url()}; press Ctrl-C to stop."])
                reported = True
            presenter.show(look)
            if self.interrupts.asked:
                return _code(look) if look.document else INTERRUPTED
            if look.quiet_since is not None and monotonic() - look.quiet_since >= self.options.grace_seconds:
                return _code(look)
            self.interrupts.wait(TURN_SECONDS)

    def _presenter(self) -> Presenter:
        if self.options.json:
            return JsonPresenter(self.out)
        plain = Presenter(self.out)
        terminal = plain.console.is_terminal and not plain.console.is_dumb_terminal
        return (
            LiveView(self.out, rehearsal=self._is_rehearsal())
            if terminal and self.options.progress
            else plain
        )

    def _is_rehearsal(self) -> bool:
        return not conf().claude_api_key

    def _url(self) -> str:
        return ports.url(self.options.host, ports.port_of(self.listening))

    def _write_run_file(self) -> None:
        state = self.installation.state
        self.installation.state.write_run_file(
            {
                "url": self._url(),
                "port": ports.port_of(self.listening),
                "broker_url": settings.CELERY_BROKER_URL,
                "database_url": environment.text("DATABASE_URL") or f"sqlite:///{state.path / 'db.sqlite3'}",
                "pids": {"supervisor": os.getpid(), **self.supervisor.pids()},
            }
        )

    def _announcement(self) -> list[str]:
        state = self.installation.state
        manage = shlex.join([sys.executable, str(self.installation.project / "manage.py"), "createsuperuser"])
        lines = [
            f"CPDS is ready at {self._url()}",
            f"  admin      {self._url()}/admin/",
            f"  superuser  CPDS_STATE_DIR={shlex.quote(str(state.path))} {manage}",
            f"  logs       {state.logs}",
        ]
        if self._is_rehearsal():
            lines.append("  Claude     rehearsal: no ANTHROPIC_API_KEY is set, so every answer is simulated")
        if not is_loopback(self.options.host):
            say(f"warning: {self.options.host} can be reached by other machines.")
        return [*lines, "Press Ctrl-C to stop."]


def _code(look: Snapshot) -> int:
    ended_badly = look.document is not None and look.document.status != InstanceState.COMPLETED
    return FAILED if ended_badly or look.something_failed else COMPLETED


def _migrate() -> None:
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        raise DatabaseUnusable(why=" ".join(str(error).split())) from error
