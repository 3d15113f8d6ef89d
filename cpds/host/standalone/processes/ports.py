"""The web server's listening socket, bound here so that nothing starts if it cannot be."""

import errno
import ipaddress
import socket

from cpds.host.standalone.errors import AddressUnusable, PortInUse

BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port``; port 0 takes a free one.

    It is handed to the web server as an open file, so the port is never free in
    between, and connections wait while the server is restarted.

    :raises PortInUse: when something else listens there.
    :raises AddressUnusable: when the address is not this machine's, or not allowed.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise AddressUnusable(host=host, port=port, why=error.strerror or error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host=host, port=port) from None
        raise AddressUnusable(host=host, port=port, why=error.strerror or error) from error
    return listening


def port_of(listening: socket.socket) -> int:
    """Return the port the socket listens on."""
    return int(listening.getsockname()[1])


def url(host: str, port: int) -> str:
    """Return the address to open in a browser on this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"
