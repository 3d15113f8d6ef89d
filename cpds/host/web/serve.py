"""Serve the application with uvicorn."""

import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Iterable
from typing import NoReturn

import uvicorn

from cpds.base.conf import conf
from cpds.base.errors import CPDSError

STARTUP_FAILURE = 3


class ProxiesNotUnderstood(CPDSError):
    """``CPDS_TRUSTED_PROXIES`` holds something that is neither an address nor a network."""

    code = "proxies_not_understood"
    sentence = (
        "CPDS_TRUSTED_PROXIES holds {given!r}; expected addresses and networks, such as 10.0.0.5,10.1.0.0/16."
    )


def serve(*, host: str, port: int, listening: int | None, grace_seconds: int) -> NoReturn:
    """Serve until SIGTERM or SIGINT; requests that are open then have ``grace_seconds`` to end.

    The process ends here: with exit code 0, or 3 when the server could not start.
    ``listening`` is the file descriptor of a socket that listens already, in place of
    ``host`` and ``port``.

    :raises ProxiesNotUnderstood: when the trusted proxies cannot be read.
    """
    proxies = conf().trusted_proxies
    check_proxies(proxies)
    # The server repeats the signal that stopped it once it is done; being asked to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        "cpds.asgi:application",
        host=host,
        port=port,
        # Whoever is no such proxy could give itself any address with the same header.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        timeout_graceful_shutdown=grace_seconds,
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
    )
    sockets = None if listening is None else [socket.socket(fileno=listening)]
    server = uvicorn.Server(config)
    server.run(sockets=sockets)
    # A request that hangs past its grace sits in a thread, which Python would wait for without end.
    logging.shutdown()
    os._exit(0 if server.started else STARTUP_FAILURE)


def check_proxies(proxies: Iterable[str]) -> None:
    """Insist that each is an address or a network.

    :raises ProxiesNotUnderstood: for the first that is neither.
    """
    for each in proxies:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ProxiesNotUnderstood(given=each) from None
