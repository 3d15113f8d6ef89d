"""Connections that check where they lead: a network backend for httpcore2.

A name is resolved once, every address it has is judged, and the connection is
made to a judged address, so that a second answer of the name server (DNS
rebinding) has no way in. All waiting is done by the call's ``Watch``.
"""

import errno
import os
import select
import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import httpcore2

from workers_app.executors.http.addresses import is_public
from workers_app.executors.http.destinations import is_allowed
from workers_app.executors.watching import Watch

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host; raises OSError when it has none."""

_T = TypeVar("_T")

_ADDRESS_SECONDS: Final = 10.0
_MAX_ADDRESSES: Final = 8


class RefusedAddressError(Exception):
    """The host, or one of its addresses, is not one CPDS connects to. List it in the allowed hosts."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses the system's resolver knows, each once, in its order."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(errno.EINVAL, "the host name cannot be resolved") from error
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _is_local_name(host: str) -> bool:
    """Return whether RFC 6761 reserves the name for the own machine, whatever the resolver says."""
    return host.rstrip(".").rpartition(".")[2] == "localhost"


class CheckingBackend(httpcore2.NetworkBackend):
    """Connects to public addresses on the given ports, and to allowed hosts wherever they are."""

    def __init__(
        self, watch: Watch, *, allowed_hosts: Collection[str], ports: Collection[int], resolver: Resolver
    ) -> None:
        self._watch = watch
        self._allowed_hosts = allowed_hosts
        self._ports = ports
        self._resolver = resolver

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the watch bounds every wait
        local_address: str | None = None,  # noqa: ARG002 - part of the interface
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - part of the interface
    ) -> httpcore2.NetworkStream:
        """Connect to the first judged address that answers.

        :raises RefusedAddressError: when the port or any address is refused.
        :raises OSError: when the name has no address, or none of them answers.
        """
        trusted = is_allowed(host, port, self._allowed_hosts)
        if not trusted and _is_local_name(host):
            raise RefusedAddressError(f"{host} is the worker's own machine")
        if not trusted and port not in self._ports:
            raise RefusedAddressError(f"port {port} of {host} is not among the allowed ports")
        addresses = self._watch.call(lambda: self._resolver(host, port))
        if not trusted and not all(map(is_public, addresses)):
            raise RefusedAddressError(f"{host} leads to an address that is not public")
        failure: OSError = OSError(errno.EADDRNOTAVAIL, "the host name has no address")
        for address in addresses[:_MAX_ADDRESSES]:
            try:
                return CheckedStream(self._connect(address, port), self._watch)
            except OSError as error:
                failure = error
        raise failure

    def _connect(self, address: str, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if code := self._connected(sock, address, port):
                raise OSError(code, os.strerror(code))  # noqa: TRY301 - the socket is closed in one place
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def _connected(self, sock: socket.socket, address: str, port: int) -> int:
        """Return 0 once ``sock`` is connected, or the errno that says why it is not."""
        code = sock.connect_ex((address, port))
        if code != errno.EINPROGRESS:
            return code
        if not self._watch.wait(sock.fileno(), select.POLLOUT, at_most=_ADDRESS_SECONDS):
            return errno.ETIMEDOUT
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class CheckedStream(httpcore2.NetworkStream):
    """A socket that never blocks: it waits with the watch instead, TLS included."""

    def __init__(self, sock: socket.socket, watch: Watch) -> None:
        self._sock = sock
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the watch's
        try:
            return self._within_deadline(partial(self._sock.recv, max_bytes), select.POLLIN)
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the watch's
        unsent = memoryview(buffer)
        try:
            while unsent:
                unsent = unsent[self._within_deadline(partial(self._sock.send, unsent), select.POLLOUT) :]
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the watch's
    ) -> httpcore2.NetworkStream:
        try:
            secured = ssl_context.wrap_socket(
                self._sock, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except BaseException:
            self.close()
            raise
        # The plain socket has given up its descriptor to the secured one.
        stream = CheckedStream(secured, self._watch)
        try:
            stream._within_deadline(secured.do_handshake, select.POLLIN)
        except BaseException:
            stream.close()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        return {"socket": self._sock, "is_readable": False}.get(info)

    def _within_deadline(self, act: Callable[[], _T], event: int) -> _T:
        while True:
            self._watch.check()
            try:
                return act()
            except ssl.SSLWantWriteError:
                self._watch.wait(self._sock.fileno(), select.POLLOUT)
            except ssl.SSLWantReadError:
                self._watch.wait(self._sock.fileno(), select.POLLIN)
            except BlockingIOError:
                self._watch.wait(self._sock.fileno(), event)
