"""How bodies are read: JSON strictly, and never more bytes than an address takes."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from cpds.api.errors import BodyTooLarge
from cpds.api.json_text import parse_json
from cpds.base.conf import conf


class JSONParser(BaseParser):
    """Reads ``application/json``; an empty body is an empty object."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value in the body."""
        content = read_bytes(stream, most=most_bytes(parser_context))
        return parse_json(content) if content.strip() else {}


class TextParser(BaseParser):
    """Reads a text in UTF-8 and gives ``{"content": bytes}``; subclasses say of which media type."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body, unread."""
        return {"content": read_bytes(stream, most=most_bytes(parser_context))}


class YAMLParser(TextParser):
    """Takes ``text/yaml``; what reads workflows reads the text."""

    media_type = "text/yaml"


class ApplicationYAMLParser(TextParser):
    """Takes ``application/yaml``, the registered name of the same."""

    media_type = "application/yaml"


def most_bytes(context: Mapping[str, Any] | None) -> int:
    """Return how many bytes a body may have: the view's ``body_bytes``, else the setting."""
    view = (context or {}).get("view")
    return int(getattr(view, "body_bytes", None) or conf().body_bytes)


def read_bytes(stream: IO[Any], *, most: int) -> bytes:
    """Return all of a body.

    :raises BodyTooLarge: when it has more than ``most`` bytes; no more than that is read.
    """
    content: bytes = stream.read(most + 1)
    if len(content) > most:
        raise BodyTooLarge(most=most)
    return content
