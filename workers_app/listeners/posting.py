"""One POST to one address, with the checks of ``http_request`` and without its redirects."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext

import httpcore2
import httpx2

from cpds.base import clock
from workers_app.errors import DeliveryFailed
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.http.destinations import parse_destination
from workers_app.executors.http.executor import retry_after
from workers_app.executors.http.messages import Outgoing, headers_of
from workers_app.executors.http.network import CheckingBackend, RefusedAddressError, resolve
from workers_app.executors.watching import DeadlinePassedError, Watch


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What came back; the body is not read."""

    host: str
    status: int
    retry_after_seconds: float | None


def post(
    *,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    seconds: float,
    allowed_hosts: Collection[str],
) -> Posted:
    """Send the body and return the answer's status; a redirect is an answer like any other.

    A signed message goes where the operator said and nowhere else.

    :raises DeliveryFailed: when there is no answer in time, or the address is refused. Its sentence names
        the host, never the path.
    """
    try:
        destination = parse_destination(url)
    except ValueError as error:
        raise DeliveryFailed(
            why=f"the webhook's url cannot be used: {error}", retry_after_seconds=None
        ) from None
    host = destination.authority
    outgoing = Outgoing(method="POST", destination=destination, headers=tuple(headers), body=body)
    try:
        with Watch(Cancellation(), seconds=seconds) as watch:
            # The operator chose the port with the URL; the address is judged all the same.
            backend = CheckingBackend(
                watch, allowed_hosts=allowed_hosts, ports={destination.port}, resolver=resolve
            )
            with httpcore2.ConnectionPool(ssl_context=_ssl_context(), network_backend=backend) as pool:
                response = pool.handle_request(outgoing.on_the_wire())
                with closing(response):
                    wish = headers_of(response.headers).get("retry-after")
                    return Posted(
                        host=host,
                        status=response.status,
                        retry_after_seconds=retry_after(wish, now=clock.now),
                    )
    except RefusedAddressError as error:
        raise DeliveryFailed(why=f"{host} was refused: {error}", retry_after_seconds=None) from None
    except DeadlinePassedError:
        raise DeliveryFailed(
            why=f"{host} did not answer within {seconds:g} seconds", retry_after_seconds=None
        ) from None
    except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise DeliveryFailed(
            why=f"the connection to {host} was not made or broke ({type(error).__name__})",
            retry_after_seconds=None,
        ) from None


@cache
def _ssl_context() -> SSLContext:
    return httpx2.create_ssl_context(trust_env=False)
