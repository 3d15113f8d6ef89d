"""How it is known that a child is ready. Every probe answers at once and never blocks the supervisor."""

import contextlib
import json
import os
import select
import socket
from collections.abc import Callable
from pathlib import Path

Probe = Callable[[int], bool]
"""Told a child's process id, says whether it is ready. One probe serves one life of the child."""


def answers_ping(broker_socket: Path) -> Probe:
    """Return a probe for a broker that answers PING on its Unix socket."""

    def probe(_pid: int) -> bool:
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
            connection.settimeout(0.5)
            connection.connect(str(broker_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False

    return probe


def answers_http(address: tuple[str, int]) -> Probe:
    """Return a probe for a web server that answers a request, whatever it answers.

    The listening socket accepts before the server runs, so one question is asked
    and its answer looked for at each turn.
    """
    connection: socket.socket | None = None

    def ask() -> socket.socket:
        asked = socket.create_connection(address, timeout=0.5)
        asked.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return asked

    def probe(_pid: int) -> bool:
        nonlocal connection
        try:
            connection = connection or ask()
            if not select.select([connection], [], [], 0)[0]:
                return False
            answered = connection.recv(16).startswith(b"HTTP/")
            connection.close()
        except OSError:
            answered = False
        connection = None
        return answered

    return probe


def makes_file(file: Path) -> Probe:
    """Return a probe for a child that makes ``file`` when it is ready."""
    file.unlink(missing_ok=True)
    return lambda _pid: file.exists()


def writes_its_pid(file: Path) -> Probe:
    """Return a probe for a child that writes its process id to ``file`` when it begins its work."""
    # One left by a killed child would be believed in if its number had been given to another process.
    file.unlink(missing_ok=True)

    def probe(pid: int) -> bool:
        try:
            return file.read_text(encoding="ascii").strip() == str(pid)
        except OSError:
            return False

    return probe


def announces_url(log: Path, tell: Callable[[str], None]) -> Probe:
    """Return a probe for a child that prints a line of JSON with its ``url``, which is told onwards."""
    start = log.stat().st_size if log.exists() else 0

    def probe(_pid: int) -> bool:
        with contextlib.suppress(OSError), log.open("rb") as file:
            file.seek(start, os.SEEK_SET)
            for line in file:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    tell(str(json.loads(line)["url"]))
                    return True
        return False

    return probe
