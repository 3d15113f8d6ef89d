"""Answer the probes before anything else looks at the request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from cpds.host.health import views

PROBES = {"/livez": views.alive, "/readyz": views.readyz}


def answer_probes(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Let ``/livez`` and ``/readyz`` be asked by any host name and over plain HTTP.

    A cluster asks by the address of the container, which is nobody's allowed host, and a
    redirect to HTTPS would count as healthy.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return PROBES.get(request.path_info, get_response)(request)

    return middleware
