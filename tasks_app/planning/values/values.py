"""What may be stored as an output: JSON, made safe for every database."""

import json
import math
from typing import Any

from tasks_app.outcomes import JSON

MAX_DEPTH = 100
MAX_INTEGER = 2**63


class NotJSONError(ValueError):
    """A value holds something that JSON cannot; the message says where and what."""


def as_json(value: Any, *, path: str = "result", _depth: int = 0) -> JSON:
    """Return a copy of ``value`` that is plain JSON.

    Tuples become lists. Characters no database stores in JSON (NUL, lone
    surrogates) become U+FFFD, so that what a program printed cannot make its
    own result unstorable.

    :raises NotJSONError: for anything else: the sentence names the place and the type found.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _safe_text(value)
    if isinstance(value, int):
        return _whole(value, path)
    if isinstance(value, float):
        return _finite(value, path)
    if _depth >= MAX_DEPTH:
        raise NotJSONError(f"{path} is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        return {
            _key(key, path): as_json(item, path=f"{path}.{key}", _depth=_depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [as_json(item, path=f"{path}[{place}]", _depth=_depth + 1) for place, item in enumerate(value)]
    raise NotJSONError(f"{path} is of type {type(value).__name__}, which JSON does not have.")


def json_bytes(value: JSON) -> int:
    """Return how large a JSON value is when it is written in UTF-8, without escapes it does not need."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def _safe_text(text: str) -> str:
    if "\x00" in text:
        text = text.replace("\x00", "�")
    return text.encode("utf-8", "replace").decode("utf-8") if _has_surrogate(text) else text


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _whole(value: int, path: str) -> int:
    if not -MAX_INTEGER <= value < MAX_INTEGER:
        raise NotJSONError(f"{path} is a whole number beyond 64 bits; return it as text.")
    return int(value)


def _finite(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise NotJSONError(f"{path} is {value}, which JSON does not have.")
    return float(value)


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise NotJSONError(f"{path} has a key of type {type(key).__name__}; JSON keys are text.")
    return _safe_text(key)
