"""From bytes to a text that YAML can be looked for in."""

import re

from tasks_app.planning.source.problems import Problem

MAX_BYTES = 1024 * 1024

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_MOST_SHOWN = 20


class TextProblem(Exception):
    """The bytes are no text that can be read."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(*map(str, problems))


def decode(source: bytes | str) -> str:
    """Return the text without its byte order mark.

    :raises TextProblem: when it is too large, not UTF-8, or holds control characters.
    """
    data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else bytes(source)
    if len(data) > MAX_BYTES:
        message = f"the text has {len(data):,} bytes; at most {MAX_BYTES:,} are read"
        raise TextProblem(Problem("too_large", message, None, None, "", "split the workflow"))
    text = source if isinstance(source, str) else _decoded(data)
    text = text.removeprefix("\ufeff")
    problems = [
        _forbidden(text, found)
        for found, _ in zip(_FORBIDDEN.finditer(text), range(_MOST_SHOWN), strict=False)
    ]
    if problems:
        raise TextProblem(*problems)
    return text


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        message = "the text is encoded as UTF-16 or UTF-32, expected UTF-8"
        raise TextProblem(Problem("encoding", message, 1, 1, "", "save the file as UTF-8"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = _place(before, len(before))
        message = f"the text is not UTF-8: byte 0x{data[error.start]:02x} cannot stand here"
        raise TextProblem(Problem("encoding", message, line, column, "", "save the file as UTF-8")) from None


def _forbidden(text: str, found: re.Match[str]) -> Problem:
    line, column = _place(text, found.start())
    message = f"the control character U+{ord(found[0]):04X} cannot be used"
    return Problem("control_character", message, line, column, "", 'write it as an escape in "double quotes"')


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
