"""Keep secrets out of everything that is stored, logged or shown.

Two nets: names that announce a secret (``authorization``, ``api_key`` …) hide
their whole value, and texts lose whatever looks like a credential. What a
secret looks like can only be guessed, so callers that know a secret's exact
value pass it in ``known``.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

HIDDEN: Final = "[redacted]"

_SECRET_NAME = re.compile(
    r"(?i)(^|[_\-.])(authorization|proxy[_-]authorization|cookie|set[_-]cookie|password|passwd|secret|"
    r"api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|(access|refresh|auth|api|bearer|worker)?[_-]?token|"
    r"credentials?)$"
)
_SECRET_TEXTS = (
    re.compile(r"sk-ant-[A-Za-z0-9_\-]{8,}"),
    re.compile(r"\bsk-[A-Za-z0-9]{20,}"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    re.compile(r"\bcpds_(?:pat|wrk)_[A-Za-z0-9]{16,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/\-]{8,}=*"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
)
MAX_DEPTH: Final = 64
SHORTEST_KNOWN: Final = 4
"""A shorter text stands in too many others to be looked for."""


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret by convention."""
    return _SECRET_NAME.search(name) is not None


def hide_text(text: str, *, known: Iterable[str]) -> str:
    """Return ``text`` with known secrets hidden; those of less than four characters stay."""
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= SHORTEST_KNOWN:
            text = text.replace(secret, HIDDEN)
    return text


def hide(value: Any, *, known: Iterable[str]) -> Any:
    """Return a JSON value with known secrets hidden, numbers among them; the input is not changed."""
    known = tuple(known)
    match value:
        case str():
            return hide_text(value, known=known)
        case int() | float() if not isinstance(value, bool):
            return HIDDEN if len(str(value)) >= SHORTEST_KNOWN and str(value) in known else value
        case dict():
            return {
                hide_text(key, known=known) if isinstance(key, str) else key: hide(item, known=known)
                for key, item in value.items()
            }
        case list() | tuple():
            return [hide(item, known=known) for item in value]
    return value


def redact_text(text: str, *, known: Iterable[str] = ()) -> str:
    """Return ``text`` with known secrets and whatever looks like one hidden."""
    text = hide_text(text, known=known)
    for pattern in _SECRET_TEXTS:
        text = pattern.sub(HIDDEN, text)
    return text


def redact(value: Any, *, known: Iterable[str] = (), _depth: int = 0) -> Any:
    """Return a JSON value with the secrets in it hidden; the input is not changed.

    What lies deeper than ``MAX_DEPTH`` levels is hidden whole.
    """
    known = tuple(known)
    if isinstance(value, str):
        return redact_text(value, known=known)
    if _depth >= MAX_DEPTH and isinstance(value, (dict, list, tuple)):
        return HIDDEN
    if isinstance(value, dict):
        return {
            (redact_text(key, known=known) if isinstance(key, str) else key): HIDDEN
            if isinstance(key, str) and is_secret_name(key) and value[key] is not None
            else redact(value[key], known=known, _depth=_depth + 1)
            for key in value
        }
    if isinstance(value, (list, tuple)):
        return [redact(item, known=known, _depth=_depth + 1) for item in value]
    return value
