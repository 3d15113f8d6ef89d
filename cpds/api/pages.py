"""What Django answers itself, in the API's shape where the address is the API's."""

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults
from rest_framework.request import Request
from rest_framework.views import APIView

from cpds.api.errors import UnknownAddress
from cpds.api.json_text import as_text
from cpds.api.middleware import is_api, plain_refusal
from cpds.api.responses.refusals import BUG

_BAD: Final = "The request cannot be answered: its address, its host or a header is not acceptable."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400."""
    if is_api(request.path_info):
        return plain_refusal(request, status=HTTPStatus.BAD_REQUEST, code="bad_request", message=_BAD)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 403."""
    if is_api(request.path_info):
        message = "This may not be done from there."
        return plain_refusal(request, status=HTTPStatus.FORBIDDEN, code="permission_denied", message=message)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404."""
    if is_api(request.path_info):
        error = UnknownAddress(path=as_text(request.path_info))
        return plain_refusal(request, status=error.http_status, code=error.code, message=str(error))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 500; Django has logged the error."""
    if is_api(request.path_info):
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return plain_refusal(request, status=status, code="internal_error", message=BUG)
    return defaults.server_error(request)


class NothingHere(APIView):
    """Any address under ``/api`` that nothing else answers, whatever the method."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:
        """Refuse, before the method is looked at."""
        raise UnknownAddress(path=as_text(request.path))
