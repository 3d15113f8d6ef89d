"""Whether what a role is started with can be read by the program that it starts."""

import re

from celery.bin.celery import celery
from django.core.management import get_commands, load_command_class

from cpds.celery import app
from tests.deploy.files import ENTRYPOINT, ROLES

MANAGEMENT = {"web": ["server", "start"], "migrate": ["migrate"], "standalone": ["standalone"]}
SCRIPT = ENTRYPOINT.read_text(encoding="utf-8")


def check(words):
    """Fail where a role or one of its options does not exist."""
    role, *options = (re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in words)
    assert role in ROLES, role
    if role in MANAGEMENT:
        command, *verb = MANAGEMENT[role]
        parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
        parser.parse_args([*verb, *_own(role), *options])
    elif role in {"worker", "beat"}:
        # Parsed, not invoked; Celery leaves over what it does not know instead of refusing it.
        command = celery.commands[role]
        command.params.extend(each for each in app.user_options[role] if each not in command.params)
        parsed = command.make_parser(_context(command)).parse_args(args=[*_own(role), *options])
        assert parsed[1] == [], parsed[1]
    elif role == "health":
        assert options == [] or options[0] in ROLES
    else:
        assert options == []


def _context(command):
    import click

    return click.Context(command, ignore_unknown_options=False, allow_extra_args=True)


def _own(role):
    """Return the options that the entry point itself gives."""
    line = re.search(rf"^{role}\)\n(?:.*\n)*?    exec (.+) \"\$@\"$", SCRIPT, re.MULTILINE)[1]
    words = line.split()
    given = MANAGEMENT.get(role, [role])
    start = words.index(given[-1]) + 1
    return words[start:]
