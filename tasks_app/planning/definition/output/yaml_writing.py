"""A workflow as a file that people read and change."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tasks_app.planning.definition.output.written import written
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.source.yaml_scalars import plain_value

_ONE_LINE: Final = 80


def to_yaml(spec: WorkflowSpec) -> str:
    """Return the YAML text of a workflow; loaded, it is the same workflow."""
    return as_yaml(written(spec))


def as_yaml(definition: Mapping[str, Any]) -> str:
    """Return the YAML text of a definition as a person would write it down."""
    text: str = yaml.dump(
        dict(definition),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=float("inf"),
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes for the reader in ``planning.yaml_source``: no aliases, in quotes what would not stay text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if not all(character.isprintable() or character == "\n" for character in text):
        return '"'
    if "\n" in text:
        return "|"
    return None if plain_value(text) == (text, "", "") else '"'


def _list(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    is_short = all(isinstance(item, str | int | float | None) for item in items) and (
        sum(len(str(item)) + 2 for item in items) <= _ONE_LINE
    )
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_short)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
