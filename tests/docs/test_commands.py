"""Every command line in the documentation can be read by what it calls."""

import contextlib
import io
import re
import shlex
from argparse import ArgumentParser

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from tests.architecture.sources import ROOT
from tests.benchmarks.__main__ import _parser as benchmark_parser
from tests.chaos.__main__ import parser as chaos_parser
from tests.docs.pages import (
    HTTP_WORKERS,
    OPERATIONS,
    PAGES,
    README,
    REHEARSAL,
    blocks,
    code_spans,
    console_commands,
    rows,
    section,
)
from workers_app.sdk.cli.options import parser as worker_parser

pytestmark = pytest.mark.any_database

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PLACEHOLDERS = {"S": "30s", "AGE": "30d", "N": "3", "K=V": "k=v"}
OF_OTHERS = ("docker", "./cpds ", "task-engine ")
OWN = (
    "standalone",
    "workflow",
    "instance",
    "task",
    "verify",
    "schedule",
    "version",
    "server",
    "fake_claude",
    "listener",
    "token",
    "project",
    "member",
    "worker",
    "autoscale",
)


def manage_commands():
    in_blocks = [
        command
        for block in blocks("sh", "console")
        for command in console_commands(block)
        if "manage.py " in command
    ]
    in_text = [span for page in PAGES for span in code_spans(page) if "manage.py " in span]
    return sorted({command.split("manage.py ", 1)[1] for command in [*in_blocks, *in_text]})


def parser_of(command) -> ArgumentParser:
    found = load_command_class(get_commands()[command], command)
    return found.create_parser("manage.py", command)


def options_of(parser):
    for action in parser._actions:
        yield from action.option_strings
        for sub in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
            yield from options_of(sub)


def verbs_of(command):
    actions = parser_of(command)._actions
    return next((set(action.choices) for action in actions if isinstance(action.choices, dict)), set())


@pytest.mark.parametrize("line", manage_commands())
def test_a_management_command_takes_its_arguments(line):
    command, *arguments = shlex.split(line.partition(" < ")[0].partition(" > ")[0])
    assert command in get_commands()
    arguments = [PLACEHOLDERS.get(each, each) for each in arguments]

    try:
        with contextlib.redirect_stderr(io.StringIO()):
            parser_of(command).parse_args(arguments)
    except (SystemExit, CommandError):
        # The name of a command, or of a verb, is no whole command line, and is not meant to be one.
        assert set(arguments) <= verbs_of(command)
        assert len(arguments) <= 1


@pytest.mark.parametrize("command", OWN)
def test_every_verb_is_in_the_reference(command):
    for verb in verbs_of(command):
        assert f"manage.py {command} {verb}" in section(README, "Commands")


@pytest.mark.parametrize("command", OWN)
def test_every_command_is_in_the_reference(command):
    assert f"`python manage.py {command}" in section(README, "Commands")


def test_the_options_of_standalone_and_their_defaults_are_complete():
    known = {
        option: action.default
        for action in parser_of("standalone")._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    of_django = set(options_of(ArgumentParser())) | {
        *("--version", "--verbosity", "--settings", "--pythonpath", "--traceback"),
        *("--no-color", "--force-color", "--skip-checks"),
    }
    written = {}
    for names, default, _ in (row for row in rows(section(README, "Commands")) if row[0].startswith("`--")):
        written |= dict.fromkeys(re.findall(r"`([^`]+)`", names), default.strip("`"))

    assert set(written) == set(known) - of_django
    for option, default in written.items():
        if known[option] not in (None, False, []):
            assert default == str(known[option])


def test_the_options_of_fake_claude_are_complete():
    parser = parser_of("fake_claude")
    written = {row[0].strip("`"): row[1].strip("`") for row in rows(section(REHEARSAL, "By hand"))}

    for option, default in written.items():
        action = next(each for each in parser._actions if option in each.option_strings)
        assert default in {str(action.default), "none", "off"}
    assert {"--host", "--port", "--script", "--latency", "--json"} == set(written)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_named_in_the_text_exists(page):
    known = {option for command in OWN for option in options_of(parser_of(command))}
    known |= {"--db", "--pidfile", "--concurrency", "-n", "--deploy"}
    known |= set(options_of(chaos_parser())) | set(options_of(benchmark_parser()))
    known |= set(options_of(worker_parser()))
    known |= {"--once", "--max-tasks", "--idle-shutdown"}
    own = [span for span in code_spans(page) if not span.startswith(OF_OTHERS)]
    named = {found for span in own for found in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)}

    assert named <= known


def test_the_options_of_a_worker_over_http_are_complete():
    written = {
        option
        for row in rows(section(HTTP_WORKERS, "A worker in one line"))
        for option in re.findall(r"--[a-z-]+", row[0])
    }

    assert written == {each for each in options_of(worker_parser()) if each.startswith("--")} - {"--help"}


def test_the_options_of_chaos_and_their_defaults_are_complete():
    known = {each.option_strings[0]: each.default for each in chaos_parser()._actions}
    written = {
        re.findall(r"--[a-z]+", row[0])[0]: row[1]
        for row in rows(section(OPERATIONS, "Chaos"))
        if row[0].startswith("`--")
    }

    assert {*written, "-h"} == set(known)
    for option, default in written.items():
        if default.isdecimal():
            assert float(default) == known[option]


def test_every_make_target_and_variable_exists():
    lines = [command for block in blocks("sh", "console") for command in console_commands(block)]
    lines += [span for page in PAGES for span in code_spans(page)]
    called = [
        shlex.split(line[line.index("make ") :])[1:] for line in lines if re.search(r"(?:^| )make ", line)
    ]

    assert called
    for words in called:
        for word in words:
            name, given, _ = word.partition("=")
            pattern = rf"^{name} [?:]= ?" if given else rf"^{name}:"
            assert re.search(pattern, MAKEFILE, re.MULTILINE), word


def test_celery_takes_its_options():
    from celery.bin.celery import celery

    from cpds.celery import app

    lines = [command for block in blocks("sh") for command in console_commands(block)]
    lines += [span for page in PAGES for span in code_spans(page)]
    celery_lines = [shlex.split(line) for line in lines if line.startswith("celery -A cpds ")]

    assert celery_lines
    for _, _, _, name, *arguments in celery_lines:
        params = [*celery.commands[name].params, *app.user_options[name]]
        known = {option for param in params for option in param.opts}
        assert {each for each in arguments if each.startswith("-")} <= known


def test_the_benchmarks_take_the_options_named():
    lines = [span for span in code_spans(README) if span.startswith("make bench ARGS")]

    assert lines
    for line in lines:
        arguments = shlex.split(shlex.split(line)[2].removeprefix("ARGS="))
        assert benchmark_parser().parse_args(arguments).parts
