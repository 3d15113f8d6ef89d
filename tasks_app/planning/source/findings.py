"""A problem before it has a place: what the checks report, and how it becomes a ``Problem``."""

from dataclasses import dataclass

from tasks_app.planning.source.problems import Path, Problem, format_path
from tasks_app.planning.source.yaml_source import Document


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong at ``path``; with ``at_key``, the key there is what is wrong, not its value."""

    code: str
    path: Path
    message: str
    hint: str = ""
    at_key: bool = False

    def placed_in(self, document: Document) -> Problem:
        """Return the problem with its line and column."""
        position = document.key_position if self.at_key else document.position
        line, column = position(self.path)
        return Problem(self.code, self.message, line, column, format_path(self.path), self.hint)

    def without_place(self) -> Problem:
        """Return the problem of a definition that did not come from a text."""
        return Problem(self.code, self.message, None, None, format_path(self.path), self.hint)
