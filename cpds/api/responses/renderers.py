"""How answers are written: JSON in UTF-8, times as RFC 3339 in UTC."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer


def to_json(value: Any) -> bytes:
    """Write a value as JSON. Half characters, which UTF-8 cannot hold, are written as escapes, if slowly."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        builtins = msgspec.to_builtins(value, str_keys=True, enc_hook=_as_text)
        return json.dumps(builtins).encode("ascii")


def _as_text(value: Any) -> str:
    """Return a text that Django wrapped, such as one still to be translated, as nothing but a text."""
    if isinstance(value, Promise | str):
        return str.__str__(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_as_text, decimal_format="number")


class JSONRenderer(BaseRenderer):
    """Writes ``application/json``."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002
        renderer_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> bytes:
        """Return the body; nothing for an answer without one."""
        return b"" if data is None else to_json(data)
