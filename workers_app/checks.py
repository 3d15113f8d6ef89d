"""System checks of what workers are given to work with, and the one who refuses to start over them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks import Warning as Caution
from django.utils.module_loading import import_string

from cpds.base.conf import conf
from tasks_app.checks import TAG
from tasks_app.services.listeners.subscriptions import known_names
from tasks_app.services.lookup.requirements import malformed
from workers_app.functions import task_functions
from workers_app.listeners.registry import registry
from workers_app.registry import BUILT_IN

_SLUG: Final = re.compile(r"[-\w]{1,64}\Z", re.ASCII)
UNUSABLE: Final = 2
"""The exit code of a program that must not start as it was asked to."""


@register(TAG)
def check_functions(**_options: Any) -> list[CheckMessage]:
    """Return what keeps the task functions from being registered."""
    try:
        names = task_functions().keys()
    except Exception as error:
        return [
            Error(
                f"The task functions cannot be loaded: {type(error).__name__}: {_line(error)}",
                hint="They stand in the modules that CPDS_FUNCTION_MODULES names, and in cpds_functions.py "
                "of every installed app.",
                id="cpds.E003",
            )
        ]
    return [
        Error(
            f"A task function has the name {name!r} of one of CPDS's own executors and would never run.",
            hint="Register it with @task_function under another name.",
            id="cpds.E006",
        )
        for name in sorted(names & BUILT_IN.keys())
    ]


@register(TAG)
def check_capabilities(**_options: Any) -> list[CheckMessage]:
    """Return which declared capabilities no task could require, and which limits are none."""
    found: list[CheckMessage] = [
        Error(
            f"CPDS_CAPABILITIES names {word}, which no task could require.",
            hint="A capability is a word of a-z, 0-9, _, . and -; several are separated by commas.",
            id="cpds.E007",
        )
        for word in malformed(conf().capabilities)
    ]
    for name, most in conf().capability_limits.items():
        is_limit = isinstance(most, int) and not isinstance(most, bool) and most >= 1
        if malformed([name]) or not is_limit:
            found.append(
                Error(
                    f"CPDS_CAPABILITY_LIMITS limits {name!r} to {most!r}.",
                    hint='Give capabilities whole numbers, 1 or more, in JSON: {"gpu": 2}.',
                    id="cpds.E008",
                )
            )
    return found


@register(TAG)
def check_worker_projects(**_options: Any) -> list[CheckMessage]:
    """Return which projects of ``CPDS_WORKER_PROJECTS`` could not be any."""
    return [
        Error(
            f"CPDS_WORKER_PROJECTS names {slug!r}, which is no project's slug.",
            hint="Name projects as `manage.py project list` does: letters, digits, - and _; "
            "several are separated by commas.",
            id="cpds.E009",
        )
        for slug in conf().worker_projects
        if not _SLUG.match(slug)
    ]


@register(TAG)
def check_services(**_options: Any) -> list[CheckMessage]:
    """Return which services cannot be made."""
    return list(_unimportable(conf().services))


@register(TAG)
def check_prices(**_options: Any) -> list[CheckMessage]:
    """Return what is wrong with the price file."""
    from workers_app.agents.prices import PriceFileInvalid, load_prices

    try:
        load_prices(Path(conf().model_prices_file))
    except PriceFileInvalid as error:
        hint = "Correct it, or name another in the setting model_prices_file."
        return [Error(_line(error), hint=hint, id="cpds.E005")]
    return []


@register(TAG)
def check_listeners(**_options: Any) -> list[CheckMessage]:
    """Report listeners that cannot be used, and events that nobody ever hears."""
    found = registry()
    problems: list[CheckMessage] = [
        Error(
            str(problem),
            hint="Correct the entry in CPDS['listeners'] (CPDS_LISTENERS in the environment), or remove it; "
            "docs/listeners.md shows examples.",
            id="cpds.E201",
        )
        for problem in found.problems
    ]
    known = known_names()
    for name, registered in found.listeners.items():
        unheard = sorted(registered.events - known)
        if unheard:
            problems.append(
                Caution(
                    f"The listener {name!r} waits for events that do not exist: {', '.join(unheard)}.",
                    hint=f"Use names of this list: {', '.join(sorted(known))}.",
                    id="cpds.W202",
                )
            )
    return problems


def refuse_what_cannot_work() -> None:
    """End this program, in a few lines on stderr, when the settings could not work.

    :raises SystemExit: when a check of CPDS's own found an error.
    """
    serious = [found for found in run_checks(tags=[TAG]) if found.is_serious()]
    for found in sorted(serious, key=lambda each: str(each.id)):  # Django runs them in no order
        sys.stderr.write(f"{found.id}: {found.msg} {found.hint or ''}".rstrip() + "\n")
    if serious:
        sys.exit(UNUSABLE)


def _unimportable(services: dict[str, Any]) -> Iterator[CheckMessage]:
    for name, registered in services.items():
        if not isinstance(registered, str):
            continue
        try:
            is_callable = callable(import_string(registered))
            why = "" if is_callable else "it cannot be called"
        except Exception as error:
            why = f"{type(error).__name__}: {_line(error)}"
        if why:
            yield Error(
                f"The service {name!r} cannot be had from {registered!r}: {why}",
                hint="Give the dotted path of something that makes the service when it is called.",
                id="cpds.E004",
            )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
