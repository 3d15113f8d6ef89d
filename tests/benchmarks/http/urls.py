"""A view that does nothing, before every address of the product."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from cpds.urls import urlpatterns as product

BODY = b'{"status": "healthy"}'


def view(_request: HttpRequest) -> HttpResponse:
    """Answer what the bare ASGI application answers."""
    return HttpResponse(BODY, content_type="application/json", headers={"Content-Length": str(len(BODY))})


urlpatterns = [path("bare/django", view), *product]
