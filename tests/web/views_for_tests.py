"""Addresses that only the tests serve: one that streams, one that tells who asked, one that never ends."""

import asyncio
import threading

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from cpds.urls import urlpatterns as product


async def stream(_request):
    async def numbers():
        for number in range(3):
            yield f"data: {number}\n\n"
        await asyncio.Event().wait()

    return StreamingHttpResponse(numbers(), content_type="text/event-stream")


def who(request):
    answer = HttpResponse(f"{request.META['REMOTE_ADDR']} {request.scheme} {request.META['QUERY_STRING']}")
    answer.set_cookie("one", "1")
    answer.set_cookie("two", "2")
    return answer


def pieces(_request):
    return StreamingHttpResponse(iter(["one ", "two"]))


def echo(request):
    return HttpResponse(request.body, content_type="application/octet-stream")


def hang(_request):
    threading.Event().wait()


urlpatterns = [
    path("stream", stream),
    path("who", who),
    path("pieces", pieces),
    path("echo", echo),
    path("hang", hang),
    *product,
]
