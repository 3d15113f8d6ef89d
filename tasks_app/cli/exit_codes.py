"""What a command ends with, decided in this one place."""

from enum import IntEnum
from typing import Final

from cpds.base.errors import CPDSError
from tasks_app.cli import errors as cli
from tasks_app.errors import AmbiguousId, InvalidParams, InvalidTasks, InvalidWorkflow, NotFound, NotScheduled
from tasks_app.states import InstanceState


class ExitCode(IntEnum):
    """How a command ended. 2 is what argparse uses, 130 what a shell reports after Ctrl-C."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


MEANINGS: Final = {
    ExitCode.OK: "Done; what was waited for has completed.",
    ExitCode.FAILED: "Something failed or was cancelled, or the command could not be done.",
    ExitCode.USAGE: "The command line, the workflow or its parameters are wrong; a port is in use.",
    ExitCode.NOT_FOUND: "No workflow, instance, task or worker has that name or id.",
    ExitCode.TIMED_OUT: "It had not ended when `--timeout` was over; it goes on.",
    ExitCode.INTERRUPTED: "Interrupted.",
}
"""docs/commands.md says this of each."""

EXIT_CODES: Final[dict[type[CPDSError], ExitCode]] = {
    NotFound: ExitCode.NOT_FOUND,
    NotScheduled: ExitCode.NOT_FOUND,
    AmbiguousId: ExitCode.USAGE,
    InvalidWorkflow: ExitCode.USAGE,
    InvalidParams: ExitCode.USAGE,
    InvalidTasks: ExitCode.USAGE,
    cli.UnusableInput: ExitCode.USAGE,
    cli.InvalidParamsFile: ExitCode.USAGE,
    cli.UnknownStatus: ExitCode.USAGE,
    cli.WrongUsage: ExitCode.USAGE,
    cli.NotAsked: ExitCode.USAGE,
    cli.WaitTimedOut: ExitCode.TIMED_OUT,
    cli.WaitInterrupted: ExitCode.INTERRUPTED,
    cli.Interrupted: ExitCode.INTERRUPTED,
}
"""Every other anticipated error is a plain failure."""


def exit_code_of(error: CPDSError) -> ExitCode:
    """Return the exit code that reports ``error``."""
    for kind in type(error).__mro__:
        if kind in EXIT_CODES:
            return EXIT_CODES[kind]
    return ExitCode.FAILED


def exit_code_of_end(status: str) -> ExitCode:
    """Return the exit code that reports how an instance ended."""
    return ExitCode.OK if status == InstanceState.COMPLETED else ExitCode.FAILED
