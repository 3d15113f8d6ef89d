"""Serve the rehearsal on this machine: in the foreground for the command, in a thread for tests."""

import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from workers_app.agents.rehearsal.server import Rehearsal

BACKLOG: Final = 1024
"""Connections that may wait to be accepted: a fleet's calls all come at once."""

GOODBYE_SECONDS: Final = 1


class NotLoopback(ValueError):
    """The rehearsal answers anyone who knows any key, so it is for this machine only. Use 127.0.0.1."""


def serve(app: Rehearsal, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Answer on ``host`` and ``port`` (0: a free one) until SIGTERM or SIGINT; then return.

    ``ready`` is called with the URL as soon as requests are answered.

    :raises NotLoopback: when ``host`` is not an address of this machine's loopback.
    :raises OSError: when the port is taken.
    """
    listener = _listener(host, port)
    # The server repeats the signal that stopped it once it is done; being asked to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _Server(app, listener, lambda: ready(_url(listener))).run(sockets=[listener])


@contextmanager
def serving(app: Rehearsal) -> Iterator[str]:
    """Answer on a free loopback port from a thread for as long as the block runs; give the URL."""
    listener = _listener("127.0.0.1", 0)
    ready = threading.Event()
    server = _Server(app, listener, ready.set)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="rehearsal", daemon=True
    )
    thread.start()
    try:
        if not ready.wait(10):
            raise RuntimeError("The rehearsal did not start within ten seconds.")
        yield _url(listener)
    finally:
        server.should_exit = True
        thread.join(10)


class _Server(uvicorn.Server):
    def __init__(self, app: Rehearsal, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="critical",  # a cut connection is scripted, not an error to report
                access_log=False,
                lifespan="off",
                backlog=BACKLOG,
                timeout_graceful_shutdown=GOODBYE_SECONDS,
                server_header=False,
                date_header=False,  # a script may set its own
            )
        )
        self._listener = listener
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()


def _listener(host: str, port: int) -> socket.socket:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if not ipaddress.ip_address(address).is_loopback:
            raise NotLoopback(f"{host} is not a loopback address.")
    except ValueError as error:
        raise NotLoopback(f"{host} is not a loopback address; use 127.0.0.1.") from error
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
