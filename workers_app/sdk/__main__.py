"""``python -m workers_app.sdk``: a complete worker over HTTP, made of a command or of Claude."""

import argparse
import os
import sys
from collections.abc import Sequence
from enum import IntEnum

from workers_app.sdk.cli.log_lines import write_logs
from workers_app.sdk.cli.options import read_options
from workers_app.sdk.errors import Refused, Unreachable
from workers_app.sdk.handlers import Handler
from workers_app.sdk.work import ANY_KIND
from workers_app.sdk.worker import Tally, WorkerAgent


class Exit(IntEnum):
    """What the exit code says."""

    OK = 0
    TASK_FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    NO_TASK = 5


def main(given: Sequence[str] | None = None) -> int:
    """Be a worker until told to leave; return the exit code."""
    options = read_options(sys.argv[1:] if given is None else given)
    write_logs(as_json=options.json)
    try:
        worker = WorkerAgent(
            options.server,
            options.token,
            options.capability,
            options.concurrency,
            name=options.name,
            project=options.project,
            heartbeat_seconds=options.heartbeat,
            grace_seconds=options.grace,
            workspace=options.workspace,
        )
    except ValueError as error:
        return _said(Exit.USAGE, error)
    for kind in options.kind or [ANY_KIND]:
        worker.handler(kind)(_tool(options))
    try:
        tally = worker.run(
            max_tasks=1 if options.once else options.max_tasks,
            idle_seconds=options.idle_exit,
            patience_seconds=options.patience,
        )
    except Refused as refused:
        return _said(Exit.REFUSED, refused)
    except Unreachable as away:
        return _said(Exit.UNREACHABLE, away)
    return _code_of_once(tally) if options.once else Exit.OK


def _tool(options: argparse.Namespace) -> Handler:
    if options.claude:
        from workers_app.sdk.tools.claude import claude_tool

        return claude_tool(
            api_key=os.environ.get("ANTHROPIC_API_KEY"), base_url=os.environ.get("ANTHROPIC_BASE_URL")
        )
    from workers_app.sdk.tools.command import CommandTool

    return CommandTool(options.argv, timeout_seconds=options.timeout, output=options.output)


def _code_of_once(tally: Tally) -> Exit:
    if tally.completed:
        return Exit.OK
    return Exit.TASK_FAILED if tally.failed or tally.abandoned or tally.released else Exit.NO_TASK


def _said(code: Exit, error: Exception) -> Exit:
    sys.stderr.write(f"{error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
