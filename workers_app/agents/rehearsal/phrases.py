"""The words of the rehearsal, from the file beside this one."""

from functools import cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

FILE: Final = Path(__file__).with_name("phrases.yaml")


class Part(BaseModel):
    """One part of an answer; one of its texts is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heading: str
    texts: list[str]


class Phrases(BaseModel):
    """Per role the parts of an answer, texts for properties by their name, and sentences for all else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roles: dict[str, list[Part]]
    properties: dict[str, list[str]]
    sentences: list[str]


@cache
def phrases() -> Phrases:
    """Return the words, read once."""
    return Phrases.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
