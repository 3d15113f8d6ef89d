"""What handlers say, in the form in which the server takes it, so that no word is lost for its form."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

LONGEST: Final = 4000
"""Of a message and of a line of a log, in characters."""
LINES_AT_ONCE: Final = 500
KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
UNKNOWN_KIND: Final = "worker_error"
SAID_NOTHING: Final = "The handler failed and did not say why."


def plain(text: object, *, longest: int = LONGEST) -> str:
    """Return a text without what no database holds (NUL, halves of characters), cut to ``longest``."""
    whole = str(text).replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def failure_message(text: object) -> str:
    """Return why an attempt failed, as a message that says something."""
    return plain(text).strip() or SAID_NOTHING


def failure_kind(kind: object) -> str:
    """Return the kind of a failure; that of an unknown one when it is no word of lower case, digits and _."""
    return kind if isinstance(kind, str) and KIND.match(kind) else UNKNOWN_KIND


def batches_of_lines(lines: Sequence[object]) -> Iterator[list[str]]:
    """Yield lines as many at a time as the server takes. What has line breaks in it stays one line."""
    for start in range(0, len(lines), LINES_AT_ONCE):
        yield [plain(line) for line in lines[start : start + LINES_AT_ONCE]]
