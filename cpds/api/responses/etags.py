"""Answers to those who ask again whether something changed."""

import hashlib
from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.responses.renderers import to_json
from cpds.base.view import plain


def etag_of(*facts: Any) -> str:
    """Return the ETag of what these facts determine: keys, versions, times."""
    return f'W/"{hashlib.sha256(to_json(list(facts))).hexdigest()[:32]}"'


def unchanged(request: Request, etag: str) -> HttpResponse | None:
    """Return 304 when the client has this state already; None when it must be sent.

    Ask before anything is read that the ETag's facts do not need.
    """
    answer = get_conditional_response(request._request, etag=etag)  # noqa: SLF001
    if answer is None or answer.status_code != 304:
        return None
    answer["ETag"] = etag
    return answer


def tags_read(request: Request) -> frozenset[str] | None:
    """Return the tags that ``If-Match`` names, without quotes; ``*`` stands for itself. None without one."""
    given = request.headers.get("If-Match")
    if given is None:
        return None
    return frozenset(each.removeprefix("W/").strip('"') for each in parse_etags(given))


def tagged(answer: Response, etag: str) -> Response:
    """Return the answer with its ETag, for the client to ask again with ``If-None-Match``."""
    answer["ETag"] = etag
    return answer


def unless_known(request: Request, answer: Response, *, leaving_out: Collection[str] = ()) -> HttpResponse:
    """Return an answer with the ETag of what it says, or 304 when the client has it already.

    Saves the transfer only; where the ETag can be had for less than the answer, ask ``unchanged``
    first. ``leaving_out``: keys of ``data`` that change by themselves.
    """
    said = answer.data
    if leaving_out:
        data = {key: value for key, value in plain(said["data"]).items() if key not in leaving_out}
        said = {**said, "data": data}
    etag = etag_of(said)
    return unchanged(request, etag) or tagged(answer, etag)
