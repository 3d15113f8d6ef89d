"""Every command line in the documentation can be read by what it calls."""

import contextlib
import io
import re
import shlex

import pytest
from django.core.management import CommandError, get_commands

from docs.generate.commands import own_commands, parser_of, verbs_of
from tests.architecture.sources import ROOT
from tests.benchmarks.__main__ import parser as benchmark_parser
from tests.chaos.__main__ import parser as chaos_parser
from tests.docs.pages import BENCHMARKS, PAGES, blocks, code_spans, console_commands
from workers_app.sdk.cli.options import parser as worker_parser

pytestmark = pytest.mark.any_database

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PLACEHOLDERS = {"S": "30s", "AGE": "30d", "N": "3", "K=V": "k=v"}
OF_OTHERS = ("docker", "./cpds ", "task-engine ")


def manage_commands():
    in_blocks = [
        command
        for block in blocks("sh", "console")
        for command in console_commands(block)
        if "manage.py " in command
    ]
    in_text = [span for page in PAGES for span in code_spans(page) if "manage.py " in span]
    return sorted({command.split("manage.py ", 1)[1] for command in [*in_blocks, *in_text]})


def options_of(parser):
    for action in parser._actions:
        yield from action.option_strings
        for sub in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
            yield from options_of(sub)


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
        assert set(arguments) <= set(verbs_of(parser_of(command)))
        assert len(arguments) <= 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_named_in_the_text_exists(page):
    known = {option for command in own_commands() for option in options_of(parser_of(command))}
    known |= {"--db", "--pidfile", "--concurrency", "-n", "--deploy"}
    known |= set(options_of(chaos_parser())) | set(options_of(benchmark_parser()))
    known |= set(options_of(worker_parser()))
    known |= {"--once", "--max-tasks", "--idle-shutdown"}
    own = [span for span in code_spans(page) if not span.startswith(OF_OTHERS)]
    named = {found for span in own for found in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)}

    assert named <= known


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
    lines = [span for span in code_spans(BENCHMARKS) if span.startswith("make bench ARGS")]

    assert lines
    for line in lines:
        arguments = shlex.split(shlex.split(line)[2].removeprefix("ARGS="))
        assert benchmark_parser().parse_args(arguments).parts
