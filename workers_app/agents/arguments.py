"""The ``with`` of a task that runs Claude."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tasks_app.outcomes import JSON
from workers_app.agents.roles import system_text
from workers_app.executors.arguments import Arguments

DEFAULT_MODEL: Final = "claude-opus-5-5"
DEFAULT_MAX_TOKENS: Final = 8192


def _askable(schema: dict[str, JSON]) -> dict[str, JSON]:
    from workers_app.agents.output_schema import schema_problem  # loads jsonschema, for those who need it

    problem = schema_problem(schema)
    if problem is not None:
        raise ValueError(problem)
    return schema


Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class ClaudeArguments(Arguments):
    """What is asked of Claude, of which model, and what shape the answer must have.

    ``effort`` left out is the model's own default. With ``output_schema`` the
    answer is JSON that matches it. A ``system`` text replaces the role's.
    """

    prompt: Text
    system: Text | None = None
    role: Text | None = None
    model: Text = DEFAULT_MODEL
    max_tokens: int = Field(default=DEFAULT_MAX_TOKENS, ge=1)
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    output_schema: Annotated[dict[str, JSON], AfterValidator(_askable)] | None = None

    @property
    def system_as_sent(self) -> str | None:
        """The system text: the task's own, else the role's, else none."""
        if self.system is not None:
            return self.system
        return system_text(self.role) if self.role is not None else None

    @property
    def prompt_as_sent(self) -> str:
        """All the text that is sent, for the record."""
        system = self.system_as_sent
        return self.prompt if system is None else f"[system]\n{system}\n\n[user]\n{self.prompt}"
