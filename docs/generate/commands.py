"""The commands: what argparse and click know of them."""

import argparse
from collections.abc import Iterator
from typing import Any

import click
from django.core.management import get_commands, load_command_class

from docs.generate.tables import table
from tasks_app.cli.exit_codes import MEANINGS

_OF_EVERY_VERB = frozenset({"--help", "--json", "--no-color", "--force-color"})
_OF_EVERY_COMMAND = frozenset(
    {
        *("--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback"),
        *("--no-color", "--force-color", "--skip-checks"),
    }
)
_OWN_APPS = ("cpds.", "tasks_app", "workers_app")


def own_commands() -> list[str]:
    """Return the names of CPDS's own management commands."""
    return sorted(name for name, app in get_commands().items() if str(app).startswith(_OWN_APPS))


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return what reads the arguments of a management command."""
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command)


def summary_table() -> str:
    """Return every command and verb with its sentence."""
    return table(["Command", "What it does"], _summaries())


def commands_text() -> str:
    """Return a chapter for each command, and in it one for each verb."""
    return "\n\n".join(part for command in own_commands() for part in _chapter(command))


def exit_codes_table() -> str:
    """Return what the exit codes mean."""
    return table(["Code", "Meaning"], ([str(int(code)), text] for code, text in MEANINGS.items()))


def options_table(
    parser: argparse.ArgumentParser, *, left_out: frozenset[str] = frozenset({"--help"})
) -> str:
    """Return the arguments of a parser; an empty text where all are left out."""
    rows = [
        [f"`{_written(action)}`", _help_of(action)]
        for action in parser._actions  # noqa: SLF001 - argparse shows them in no other way
        if action.help != argparse.SUPPRESS
        and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        and not left_out.intersection(action.option_strings)
    ]
    return table(["Argument", "Meaning"], rows) if rows else ""


def worker_options_table() -> str:
    """Return what CPDS adds to ``celery worker``."""
    from cpds.celery import app

    known = (each for each in app.user_options["worker"] if isinstance(each, click.Option))
    options = sorted(known, key=lambda each: each.opts[0])  # it is a set
    rows = (
        [f"`{' '.join(filter(None, [each.opts[0], _click_value(each)]))}`", each.help or ""]
        for each in options
    )
    return table(["Option", "Meaning"], rows)


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the verbs of a command with what reads their arguments."""
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}


def _summaries() -> Iterator[list[str]]:
    for command in own_commands():
        parser = parser_of(command)
        for verb, reader in verbs_of(parser).items():
            yield [f"[`manage.py {command} {verb}`](#{command}-{verb})", _sentence(reader)]
        if not verbs_of(parser):
            yield [f"[`manage.py {command}`](#{command})", _sentence(parser)]


def _chapter(command: str) -> Iterator[str]:
    parser = parser_of(command)
    yield f"## {command}"
    yield _sentence(parser)
    left_out = _OF_EVERY_COMMAND | ({"--json"} if verbs_of(parser) else frozenset())
    if table_of_command := options_table(parser, left_out=left_out):
        yield table_of_command
    for verb, reader in verbs_of(parser).items():
        yield f"### {command} {verb}"
        if _sentence(reader) != _sentence(parser):
            yield _sentence(reader)
        if table_of_verb := options_table(reader, left_out=_OF_EVERY_VERB):
            yield table_of_verb


def _sentence(parser: argparse.ArgumentParser) -> str:
    return " ".join((parser.description or "").split())


def _written(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return f"[{value}]" if action.nargs in ("?", "*") else value
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}"


def _value(action: argparse.Action) -> str:
    if action.metavar:
        return str(action.metavar)
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _help_of(action: argparse.Action) -> str:
    facts: dict[str, Any] = {**vars(action), "prog": "manage.py"}
    return (action.help or "") % facts


def _click_value(option: click.Option) -> str:
    return "" if option.is_flag else option.metavar or option.type.name.upper().split()[0][:1]
