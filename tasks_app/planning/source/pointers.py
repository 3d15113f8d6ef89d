"""Places in what a client sent, as JSON pointers (RFC 6901)."""

from dataclasses import dataclass

from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import Path


@dataclass(frozen=True, kw_only=True)
class PointedProblem:
    """One thing wrong with what was sent as JSON, and the pointer to it; empty for the whole of it."""

    pointer: str
    code: str
    message: str
    hint: str = ""

    line: None = None
    column: None = None

    @property
    def path(self) -> str:
        """The pointer, under the name that every problem has for its place."""
        return self.pointer

    def to_json(self) -> dict[str, JSON]:
        """Return the problem as plain JSON."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message, "hint": self.hint}

    def __str__(self) -> str:
        sentence = ": ".join(part for part in (self.pointer, self.message) if part)
        return f"{sentence} ({self.hint})" if self.hint else sentence


def pointer_of(path: Path) -> str:
    """Write a path as a JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
