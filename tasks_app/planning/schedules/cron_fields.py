"""The fields of a cron expression, from text to the numbers they allow.

Read here and not left to the library, whose errors name a field and nothing else,
and which takes more (``L``, ``5#2``) and reads a few things differently: to it
``1/2`` as a weekday includes Sunday, and ``1-1/5`` means ``1/5``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tasks_app.planning.source.problems import described

_NUMBER: Final = re.compile(r"[0-9]{1,2}\Z")


@dataclass(frozen=True, kw_only=True)
class FieldKind:
    """One of the six places of an expression: its name, its bounds, its words.

    ``last`` is where ``*`` ends, when ``most`` is only another way to write ``least``.
    """

    name: str
    least: int
    most: int
    words: Mapping[str, int] = field(default_factory=dict)
    last: int | None = None

    def read(self, text: str) -> "CronField":
        """Return what the text of this field allows.

        :raises ValueError: naming the field, when it cannot be read.
        """
        found = {value for part in text.split(",") for value in self._part(part)}
        values = tuple(sorted({self.least if value > self._end else value for value in found}))
        return CronField(values=values, is_restricted=text[0] not in "*?")

    def _part(self, part: str) -> Iterator[int]:
        span, slash, step_text = part.partition("/")
        step = self._step(step_text) if slash else 1
        first, last = self._ends(span, part, is_open=bool(slash))
        if first > last:
            raise self._error(f"{span} runs backwards")
        yield from range(first, last + 1, step)

    def _ends(self, span: str, part: str, *, is_open: bool) -> tuple[int, int]:
        if span in {"*", "?"}:
            return self.least, self._end
        first_text, dash, last_text = span.partition("-")
        first = self._value(first_text, part)
        if dash:
            return first, self._value(last_text, part)
        return first, max(first, self._end) if is_open else first

    @property
    def _end(self) -> int:
        return self.most if self.last is None else self.last

    def _step(self, text: str) -> int:
        if _NUMBER.match(text) and 1 <= int(text) <= self.most - self.least:
            return int(text)
        raise self._error(
            f"expected a step of 1 to {self.most - self.least} after the slash, found {described(text)}"
        )

    def _value(self, text: str, part: str) -> int:
        if text.upper() in self.words:
            return self.words[text.upper()]
        if _NUMBER.match(text) and self.least <= int(text) <= self.most:
            return int(text)
        names = f" or {next(iter(self.words))} to {list(self.words)[-1]}" if self.words else ""
        raise self._error(f"expected {self.least} to {self.most}{names}, found {described(part)}")

    def _error(self, found: str) -> ValueError:
        return ValueError(f"cron field {self.name!r}: {found}")


@dataclass(frozen=True, kw_only=True)
class CronField:
    """The numbers a field allows, in order; one that begins with ``*`` or ``?`` is not restricted."""

    values: tuple[int, ...]
    is_restricted: bool

    def __str__(self) -> str:
        """Return the field in the library's syntax, as a list of its numbers."""
        # The library too asks whether a field begins with *. This * stands for the first number there is,
        # which such a field has anyway.
        return ("" if self.is_restricted else "*/99,") + ",".join(map(str, self.values))


def _words(text: str, first: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.split(), first)}


SECOND: Final = FieldKind(name="second", least=0, most=59)
MINUTE: Final = FieldKind(name="minute", least=0, most=59)
HOUR: Final = FieldKind(name="hour", least=0, most=23)
DAY: Final = FieldKind(name="day of month", least=1, most=31)
MONTH: Final = FieldKind(
    name="month", least=1, most=12, words=_words("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1)
)
WEEKDAY: Final = FieldKind(
    name="day of week", least=0, most=7, last=6, words=_words("SUN MON TUE WED THU FRI SAT", 0)
)
FIELDS: Final = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)
