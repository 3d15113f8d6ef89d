"""The base of CPDS's commands: subcommands, one way to fail, JSON or lines for people."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any, ClassVar, NoReturn, TextIO, cast

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.db import DatabaseError, InterfaceError

from cpds.base.errors import CPDSError
from cpds.base.origin import Origin, coming_from
from tasks_app.cli.errors import Interrupted
from tasks_app.cli.exit_codes import ExitCode, exit_code_of
from tasks_app.cli.failures import database_failure, failure_document, failure_lines
from tasks_app.cli.files import shown_name
from tasks_app.cli.output import Output

Options = argparse.Namespace


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Leaves the examples as they are written."""


class CliCommand(BaseCommand):
    """A command that says what went wrong in one way, to people or, with ``--json``, to programs."""

    # A command must answer while the settings are being put right, and soon.
    requires_system_checks = []
    examples: ClassVar[Sequence[str]] = ()

    def perform(self, out: Output, options: Options) -> ExitCode | None:
        """Do what was asked; None stands for success."""
        raise NotImplementedError

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, whose help ends with examples."""
        kwargs.setdefault("formatter_class", HelpFormatter)
        kwargs.setdefault("epilog", _epilog(self.examples))
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as the process's own command."""
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character gets its number; the command does not fail over it.
            getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
        self._called_from_command_line = True
        if "--json" in argv:
            self._refuse_usage_as_json(argv)
        super().run_from_argv(argv)

    def _refuse_usage_as_json(self, argv: list[str]) -> None:
        """Let programs read of a wrong command line what people read on stderr."""
        said = StringIO()
        try:
            with redirect_stderr(said):
                self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as stopped:
            if stopped.code:
                message = said.getvalue().rpartition("error: ")[2].strip()
                error = {"code": "usage", "message": message, "retryable": False}
                Output(out=sys.stdout, err=sys.stderr).document({"error": error})
            raise

    def handle(self, *_: str, **given: Any) -> None:
        """Perform the command; exit with its code unless that is 0."""
        options = Options(**given)
        out = self._output(options)
        try:
            with coming_from(Origin(via="cli")):
                code = self.perform(out, options)
        except CPDSError as error:
            self._fail(out, options, error)
        except (DatabaseError, InterfaceError) as error:
            known = database_failure(error)
            if known is None or options.traceback:
                raise
            self._fail(out, options, known)
        except KeyboardInterrupt:
            self._fail(out, options, Interrupted())
        except BrokenPipeError:
            _leave_stdout()
        if code:
            sys.exit(code)

    def _output(self, options: Options) -> Output:
        # The wrappers would end every write with a newline, and colour stderr by a rule of their own.
        self.stdout.ending = self.stderr.ending = ""
        self.stderr.style_func = None
        color = True if options.force_color else False if options.no_color else None
        return Output(
            out=cast("TextIO", self.stdout),
            err=cast("TextIO", self.stderr),
            as_json=options.json,
            color=color,
        )

    def _fail(self, out: Output, options: Options, error: CPDSError) -> NoReturn:
        if options.traceback:
            raise error
        if options.json:
            out.document(failure_document(error))
        else:
            file = getattr(options, "file", None) or getattr(options, "params_file", None)
            for line in failure_lines(error, file=shown_name(file) if file else None):
                out.note(line, style="red")
        sys.exit(exit_code_of(error))


@dataclass(frozen=True, kw_only=True)
class Subcommand:
    """One verb of a command."""

    name: str
    help: str
    examples: Sequence[str]
    perform: Callable[[Output, Options], ExitCode | None]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda _parser: None


class CommandWithVerbs(CliCommand):
    """A command whose first argument says what to do."""

    verbs: ClassVar[Sequence[Subcommand]]

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        super().add_arguments(parser)
        subparsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb in self.verbs:
            subparser = subparsers.add_parser(
                verb.name,
                help=verb.help,
                description=verb.help,
                epilog=_epilog(verb.examples),
                formatter_class=HelpFormatter,
            )
            verb.arguments(subparser)
            _add_common(subparser)

    def perform(self, out: Output, options: Options) -> ExitCode | None:
        """Do what the verb says."""
        verb = next(each for each in self.verbs if each.name == options.verb)
        return verb.perform(out, options)


def _add_common(parser: argparse.ArgumentParser) -> None:
    """Let what every command takes stand after the verb as well; what stood before it remains."""
    flags = {"--json": "print JSON for programs", "--no-color": "print without colours"}
    flags |= {"--force-color": "print with colours, terminal or not", "--traceback": argparse.SUPPRESS}
    for flag, text in flags.items():
        parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument(
        "-v", "--verbosity", type=int, default=argparse.SUPPRESS, choices=range(4), help=argparse.SUPPRESS
    )


def _epilog(examples: Sequence[str]) -> str | None:
    if not examples:
        return None
    return "\n".join(["examples:", *(f"  python manage.py {each}" for each in examples)])


def _leave_stdout() -> NoReturn:
    """End quietly when the reader of a pipe has left; at exit Python would complain about its buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(ExitCode.FAILED)
