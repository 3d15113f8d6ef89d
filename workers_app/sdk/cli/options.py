"""The command line of ``python -m workers_app.sdk``."""

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from workers_app.sdk.tools.output import OutputFormat

TOKEN_VARIABLE: Final = "CPDS_WORKER_TOKEN"  # noqa: S105 - a name
SERVER_VARIABLE: Final = "CPDS_SERVER"
DESCRIPTION: Final = (
    "A worker of CPDS over HTTP. It takes tasks that fit its capabilities and has a command or Claude "
    "perform them. SIGTERM and SIGINT let running tasks finish; a second one hands them back at once."
)
EPILOG: Final = """\
In the command {prompt}, {prompt_file}, {task_file} and {workspace} are filled in; it is started without a
shell.

exit codes:
  0  it left in good order
  1  with --once: the task failed, or was given up
  2  the command line cannot be used
  3  the server refused this worker (its token, its id)
  4  the server could not be reached for --patience seconds
  5  with --once: no task came within --idle-exit seconds
"""


def read_options(given: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for; exits with 2 when it cannot be used."""
    commands = parser()
    options = commands.parse_args(given)
    if not options.server:
        commands.error(f"--server is needed, or {SERVER_VARIABLE} in the environment")
    if options.exec is not None:
        try:
            options.argv = shlex.split(options.exec)
        except ValueError as error:
            commands.error(f"--exec: expected words as a shell would quote them ({error})")
        if not options.argv:
            commands.error("--exec: expected a command")
    try:
        options.token = _token(options)
    except OSError as error:
        commands.error(f"--token-file: {error.strerror or error}")
    return options


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m workers_app.sdk",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--server", default=os.environ.get("CPDS_SERVER"), help="address of the web server (CPDS_SERVER)"
    )
    token = parser.add_mutually_exclusive_group()
    token.add_argument("--token", help=f"a worker's token; {TOKEN_VARIABLE} hides it from the process list")
    token.add_argument("--token-file", type=Path, help="a file that holds it, read at the start")
    tool = parser.add_mutually_exclusive_group(required=True)
    tool.add_argument("--exec", metavar="COMMAND", help="what performs a task: 'mytool {prompt_file}'")
    tool.add_argument("--claude", action="store_true", help="let Claude perform it (ANTHROPIC_API_KEY)")
    parser.add_argument("--project", help="the project, where the token does not say it")
    parser.add_argument("--name", help="name of this worker; by default made up at each start")
    parser.add_argument(
        "--capability", action="append", default=[], metavar="WORD", help="what it can do; repeatable"
    )
    parser.add_argument(
        "--kind", action="append", default=[], help="take only tasks of this kind; repeatable"
    )
    parser.add_argument("--concurrency", type=_positive, default=1, metavar="N", help="tasks at once (1)")
    parser.add_argument("--once", action="store_true", help="exit after one task")
    parser.add_argument("--max-tasks", type=_positive, metavar="N", help="exit after N tasks")
    parser.add_argument(
        "--idle-exit", type=_seconds, metavar="SECONDS", help="exit after so long without a task"
    )
    parser.add_argument(
        "--patience", type=_seconds, metavar="SECONDS", help="exit when the server is down for so long"
    )
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="the longest a command may take")
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=20.0,
        metavar="SECONDS",
        help="how long tasks may run on after SIGTERM (20)",
    )
    parser.add_argument(
        "--heartbeat", type=_seconds, default=10.0, metavar="SECONDS", help="interval of heartbeats (10)"
    )
    parser.add_argument(
        "--output",
        type=OutputFormat,
        choices=list(OutputFormat),
        default=OutputFormat.AUTO,
        help="how the command's output is read (auto)",
    )
    parser.add_argument(
        "--workspace", type=Path, metavar="DIRECTORY", help="where tasks' directories are made"
    )
    parser.add_argument("--json", action="store_true", help="log as JSON lines")
    return parser


def _token(options: argparse.Namespace) -> str | None:
    if options.token_file is not None:
        return str(options.token_file.read_text(encoding="utf-8").strip())
    return options.token or os.environ.get("CPDS_WORKER_TOKEN") or None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text}")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e7:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found {text}")
    return seconds
