"""What the rehearsal says: plausible, short, per role, and the same for the same question."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from workers_app.agents.rehearsal.instances import Instances
from workers_app.agents.rehearsal.phrases import phrases
from workers_app.agents.roles import role_in

_FEATURE = re.compile(
    r"(?im)^[ \t>*-]*(?:feature|功能)(?: name)?[ \t]*[::][ \t]*(?P<name>\S.{0,79}?)[ \t.]*$"
)
_QUOTED = re.compile(r"""(?i)feature\s+["'“「](?P<name>[^"'”」\n]{2,80})""")
_GENERAL: Final = "analyst"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked, as far as it shapes an answer."""

    system: str
    prompt: str
    schema: dict[str, Any] | None = None

    @property
    def role(self) -> str:
        """The role the system text gives, by its name in the table of roles; else a general one."""
        return role_in(self.system) or _GENERAL

    @property
    def feature(self) -> str:
        """The feature the prompt is about, or its first words when it names none."""
        found = _FEATURE.search(self.prompt) or _QUOTED.search(self.prompt)
        return found["name"].strip() if found else " ".join(self.prompt.split()[:8])[:80] or "the feature"

    @property
    def title(self) -> str:
        """The first line of the prompt, which says what is wanted."""
        first = next((line.strip(" #*") for line in self.prompt.splitlines() if line.strip(" #*")), "")
        return first.rstrip(".:")[:90]

    @property
    def seed(self) -> str:
        """The same for the same question, and for no other."""
        return hashlib.sha256(json.dumps([self.system, self.prompt]).encode()).hexdigest()


def answer(question: Question) -> str:
    """Return the text of the answer: JSON when the question has a schema, else Markdown."""
    if question.schema is not None:
        instances = Instances(root=question.schema, seed=question.seed, text=_words(question))
        return json.dumps(instances.value(), ensure_ascii=False)
    parts = [f"# {question.title}"]
    for number, part in enumerate(phrases().roles[question.role]):
        text = part.texts[_roll(question.seed, number) % len(part.texts)]
        parts.append(f"## {part.heading}\n\n{_filled(text, question)}")
    return "\n\n".join(parts)


def delay_fraction(question: Question) -> float:
    """Return a number from 0 to 1 that is the same for the same question."""
    return _roll(question.seed, 99) / 255


def _words(question: Question) -> Callable[[str, int], str]:
    def words(name: str, position: int) -> str:
        known = phrases().properties.get(name.lower())
        if known:
            return _filled(known[position % len(known)], question)
        sentences = phrases().sentences
        return _filled(sentences[(_roll(question.seed, len(name)) + position) % len(sentences)], question)

    return words


def _filled(text: str, question: Question) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", question.feature.lower()).strip("_")[:40] or "feature"
    name = "".join(word.capitalize() for word in slug.split("_"))
    return (
        text.replace("{feature}", question.feature)
        .replace("{slug}", slug)
        .replace("{path}", slug.replace("_", "-"))
        .replace("{Name}", name)
    )


def _roll(seed: str, number: int) -> int:
    return hashlib.sha256(f"{seed}/{number}".encode()).digest()[0]
