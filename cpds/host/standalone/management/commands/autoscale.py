"""``manage.py autoscale``: how many workers are wanted; with ``--start``, have so many on this machine."""

import argparse
import os
import time
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connections

from cpds.host.standalone.autoscaling import LOOK_SECONDS, QUIET_SECONDS, Autoscaler, Scaled
from cpds.host.standalone.screen.autoscale_view import scaled_line, wanted_lines
from tasks_app.cli import arguments
from tasks_app.cli.command import CliCommand, Options
from tasks_app.cli.errors import WrongUsage
from tasks_app.cli.output import Output
from tasks_app.services.lookup.requirements import malformed
from tasks_app.services.scaling.autoscale import TARGET_SECONDS, Pool, workers_wanted
from workers_app.checks import refuse_what_cannot_work
from workers_app.fleet.abilities import capabilities_here

MOST: Final = 10_000
SHORTEST_LOOK_SECONDS: Final = 0.1


class Command(CliCommand):
    """Work out the workers wanted, once, again and again, or with real workers."""

    help = (
        "Work out how many workers are wanted for what is ready and what runs. With --start, start and stop "
        "workers on this machine accordingly until Ctrl-C or SIGTERM."
    )
    examples = (
        "autoscale",
        "autoscale --json --requires gpu --slots 4",
        "autoscale --watch 5",
        "autoscale --start --min 1 --max 3 --slots 8",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        super().add_arguments(parser)
        parser.add_argument(
            "--watch", type=arguments.span, metavar="SECONDS", help="print again every so many seconds"
        )
        parser.add_argument("--start", action="store_true", help="start and stop workers on this machine")
        parser.add_argument(
            "--min", type=_count, default=None, metavar="N", help="at least so many workers (with --start: 1)"
        )
        parser.add_argument(
            "--max",
            type=_count,
            default=None,
            metavar="N",
            help="at most so many workers (with --start: one for each core)",
        )
        parser.add_argument("--slots", type=_positive, metavar="N", help="slots of each worker")
        parser.add_argument(
            "--target",
            type=arguments.span,
            default=TARGET_SECONDS,
            metavar="S",
            help="within how many seconds everything ready is to be done (%(default)s)",
        )
        parser.add_argument(
            "--quiet",
            type=arguments.span,
            default=QUIET_SECONDS,
            metavar="S",
            help="with --start: stop workers only after fewer were wanted for so many seconds (%(default)s)",
        )
        parser.add_argument(
            "--capability", action="append", metavar="WORD", help="a capability of each worker; repeatable"
        )
        parser.add_argument(
            "--requires",
            action="append",
            default=[],
            metavar="WORD",
            help="only tasks that require this; repeatable",
        )
        parser.add_argument(
            "--name",
            type=arguments.slug,
            default="auto",
            help="with --start: the prefix of the workers' names (%(default)s)",
        )

    def perform(self, out: Output, options: Options) -> None:
        """Print it, or do it."""
        if options.start:
            self._start(out, options)
            return
        pool = _pool(options)
        while True:
            wanted = workers_wanted(pool=pool)
            if out.as_json:
                (out.document if options.watch is None else out.document_line)(wanted)
            else:
                out.lines(wanted_lines(wanted, width=out.width))
            if options.watch is None:
                return
            connections.close_all()
            time.sleep(max(options.watch, SHORTEST_LOOK_SECONDS))

    def _start(self, out: Output, options: Options) -> None:
        if options.capability:
            raise WrongUsage(
                message="--capability is what workers elsewhere can do; those of this machine find out by "
                "themselves, and CPDS_CAPABILITIES adds to it"
            )
        refuse_what_cannot_work()
        pool = _pool(
            options,
            capabilities=frozenset(capabilities_here()),
            slots=options.slots or int(settings.CELERY_WORKER_CONCURRENCY),
            minimum=1 if options.min is None else options.min,
            maximum=(os.cpu_count() or 1) if options.max is None else options.max,
        )

        def tell(scaled: Scaled) -> None:
            if out.as_json:
                told = {"before": scaled.before, "workers": scaled.workers}
                out.document_line({**told, "wanted": scaled.wanted})
            else:
                out.line(scaled_line(scaled))

        look = LOOK_SECONDS if options.watch is None else max(options.watch, SHORTEST_LOOK_SECONDS)
        Autoscaler(
            pool=pool, prefix=options.name, quiet_seconds=options.quiet, look_seconds=look, tell=tell
        ).run()


def _pool(options: Options, **more: Any) -> Pool:
    words = [*(options.capability or []), *options.requires]
    if wrong := malformed(words):
        raise WrongUsage(message=f"no task could require {', '.join(wrong)}")
    given = {
        "capabilities": None if options.capability is None else frozenset(options.capability),
        "requires": frozenset(options.requires),
        "slots": options.slots,
        "target_seconds": options.target,
        "minimum": options.min or 0,
        "maximum": options.max,
    }
    pool = Pool(**{**given, **more})
    if pool.maximum is not None and pool.maximum < pool.minimum:
        raise WrongUsage(message=f"--max {pool.maximum} is less than --min {pool.minimum}")
    return pool


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:9]) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number: expected 0 to {MOST}")


def _positive(text: str) -> int:
    number = _count(text)
    if number:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of tasks: expected 1 to {MOST}")
