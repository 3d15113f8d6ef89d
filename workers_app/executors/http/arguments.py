"""The ``with`` of an ``http_request`` task, and the request it means."""

import json
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tasks_app.outcomes import JSON
from workers_app.executors.arguments import Arguments, Seconds
from workers_app.executors.http.destinations import parse_destination
from workers_app.executors.http.messages import Outgoing

_NOT_IDEMPOTENT: Final = frozenset({"POST", "PATCH"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OWN_HEADERS: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
        *("upgrade", "expect", "accept-encoding", "proxy-connection", "proxy-authorization"),
    }
)
_STATUS_CLASS = re.compile(r"[1-5]xx")


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if _TOKEN.fullmatch(name) is None:
            raise ValueError("expected header names of letters, digits and dashes")
        if _VALUE.fullmatch(value) is None or value != value.strip():
            raise ValueError(f"expected header values on one line, in Latin-1 ({name[:40]} is not)")
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"expected headers other than {name}, which belongs to the connection")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("expected each header once, whatever its capitals")
    return headers


def _url(text: str) -> str:
    parse_destination(text)
    return text


def _expectation(value: JSON) -> list[str]:
    """Return the statuses expected as texts: ``200`` or ``2xx``."""
    wanted = value if isinstance(value, list) else [value]
    texts = [str(one).lower() for one in wanted if isinstance(one, (int, str)) and not isinstance(one, bool)]
    known = [
        one for one in texts if _STATUS_CLASS.fullmatch(one) or (one.isdigit() and 200 <= int(one[:4]) < 600)
    ]
    if not wanted or len(known) < len(wanted):
        raise ValueError("expected a status like 200, a class like '2xx', or a list of them")
    return known


class HttpRequestArguments(Arguments):
    """The ``with`` of an ``http_request`` task."""

    url: Annotated[str, AfterValidator(_url)]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = "GET"
    headers: Annotated[dict[str, str], AfterValidator(_sendable)] = Field(default_factory=dict)
    content: JSON = Field(default=None, alias="json")
    body: str | None = None
    timeout: Seconds | None = None
    expect_status: Annotated[list[str], BeforeValidator(_expectation)] = Field(default=["2xx"])

    @model_validator(mode="before")
    @classmethod
    def _one_content(cls, values: JSON) -> JSON:
        if isinstance(values, dict) and "json" in values and "body" in values:
            raise ValueError("json, body: expected one of them, found both")
        return values

    def expects(self, status: int) -> bool:
        return str(status) in self.expect_status or f"{status // 100}xx" in self.expect_status

    def outgoing(self, idempotency_key: str) -> Outgoing:
        """Return the request meant.

        :raises ValueError: when the content is no valid JSON or Unicode.
        """
        headers = dict(self.headers)
        named = {name.lower() for name in headers}
        body: bytes | None = None
        if "content" in self.model_fields_set:
            body = json.dumps(self.content, allow_nan=False).encode()
        elif self.body is not None:
            body = self.body.encode()
        elif self.method in {"POST", "PUT", "PATCH"}:
            body = b""
        if body and "content-type" not in named:
            is_json = "content" in self.model_fields_set
            headers["content-type"] = "application/json" if is_json else "text/plain; charset=utf-8"
        if self.method in _NOT_IDEMPOTENT and "idempotency-key" not in named:
            headers["idempotency-key"] = idempotency_key
        return Outgoing(
            method=self.method,
            destination=parse_destination(self.url),
            headers=tuple(headers.items()),
            body=body,
        )
