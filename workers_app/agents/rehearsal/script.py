"""What the rehearsal is told to do: rules from a YAML or JSON file, the first that fits wins.

    rules:
      - when: {contains: "summarise", call: 1}   # also: role, model; call: n or a list, counted per rule
        status: 529                              # an error answer ...
        error: {type: overloaded_error, message: Overloaded}
        headers: {retry-after: "3"}
      - when: {role: qa_engineer}
        text: "Half an answer that goes on"      # ... or a text (or json:), perhaps with
        breaks: cut                              # cut | truncate | error | stall, after so many pieces
        after_pieces: 2
        delay: 0.5                               # seconds before anything is said
        usage: {input_tokens: 10, cache_read_input_tokens: 90}

Without a text the role's own answer is given. ``usage`` replaces what is
counted by name. ``stop_reason`` and ``stop_details`` say how the answer ends.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workers_app.agents.rehearsal.answers import Question
from workers_app.agents.roles import ROLES


class ScriptInvalid(ValueError):
    """The script cannot be followed. Correct what the message names."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """Which questions a rule is for: all that is given must fit."""

    contains: str | None = None
    role: str | None = None
    model: str | None = None
    call: int | list[int] | None = None

    def fits(self, question: Question, model: str) -> bool:
        """Return whether the rule is for this question, whichever call it is."""
        return (
            (self.contains is None or self.contains in question.system or self.contains in question.prompt)
            and (
                self.role is None
                or ROLES.get(self.role, self.role) in (ROLES[question.role], question.system)
            )
            and (self.model is None or self.model == model)
        )

    def counts(self, call: int) -> bool:
        """Return whether the rule is for the ``call``-th question that fits it, from 1."""
        return self.call is None or call in ([self.call] if isinstance(self.call, int) else self.call)


class Error(_Strict):
    """The body of an error answer."""

    type: str = "api_error"
    message: str = "Scripted error"
    code: str | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the error as the API writes it."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.code is not None:
            error["details"] = {"error_code": self.code}
        return {"type": "error", "error": error, "request_id": request_id}


class Rule(_Strict):
    """What to do with the questions it is for. An empty rule answers as usual."""

    when: When = When()
    text: str | None = None
    json_value: Any = Field(default=None, alias="json")
    delay: float = Field(default=0, ge=0)
    pieces: int | None = Field(default=None, ge=1)
    stop_reason: str = "end_turn"
    stop_details: dict[str, Any] | None = None
    usage: dict[str, Any] = Field(default_factory=dict)
    status: int = Field(default=200, ge=200, le=599)
    error: Error = Error()
    headers: dict[str, str] = Field(default_factory=dict)
    breaks: Literal["cut", "truncate", "error", "stall"] | None = None
    after_pieces: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Rule":
        if self.text is not None and self.json_value is not None:
            raise ValueError("give text or json, not both")
        return self

    @property
    def words(self) -> str | None:
        """The scripted text, None when the role's own answer is to be given."""
        return json.dumps(self.json_value, ensure_ascii=False) if self.json_value is not None else self.text


class _File(_Strict):
    rules: list[Rule]


class Script:
    """The rules, and how often each has been asked for."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self.rules = rules or []
        self._calls: Counter[int] = Counter()

    def rule_for(self, question: Question, model: str) -> Rule:
        """Return the rule to follow for this question, and count it."""
        for number, rule in enumerate(self.rules):
            if rule.when.fits(question, model):
                self._calls[number] += 1
                if rule.when.counts(self._calls[number]):
                    return rule
        return Rule()


def parse_script(content: Any, *, source: str = "script") -> Script:
    """Return the script that a parsed file describes.

    :raises ScriptInvalid: when a rule makes no sense.
    """
    try:
        return Script(_File.model_validate(content).rules)
    except ValidationError as error:
        places = ((".".join(str(step) for step in item["loc"]), item["msg"]) for item in error.errors())
        raise ScriptInvalid(
            f"{source}: " + "; ".join(f"{place}: {text}" for place, text in places)
        ) from error


def load_script(path: Path) -> Script:
    """Read a script from a YAML or JSON file.

    :raises ScriptInvalid: when the file cannot be read or a rule makes no sense.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScriptInvalid(f"{path} cannot be read: {error}") from error
    return parse_script(content, source=str(path))
