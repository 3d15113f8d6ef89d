"""Run a program: no shell, a scrubbed environment, and nothing left behind.

The command is no sandbox: it runs with the worker's rights and network. What
is guaranteed is that it cannot see the worker's environment through its own,
cannot start outside its workspace, and ends with all it started.
"""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, Field

from tasks_app.outcomes import JSON, Failed, Interrupted, Outcome
from workers_app.executors.arguments import Arguments, Seconds, bad_input, check_against, parse_arguments
from workers_app.executors.contract import ArgumentProblem, Call
from workers_app.executors.processes import Command, Limits, perform_command

KEPT_BYTES: Final = 1 << 20
"""Of each output stream: half from the beginning, half from the end."""
_REFUSED_PREFIXES: Final = ("LD_", "DYLD_", "GIT_", "BASH_FUNC_", "CPDS_")
_REFUSED_NAMES: Final = frozenset(
    {
        *("BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "CDPATH"),
        *("GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NODE_OPTIONS", "RUBYOPT", "RUBYLIB"),
        *("PERL5OPT", "PERL5LIB", "PERL5DB", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"),
    }
)


def _split(value: JSON) -> JSON:
    try:
        return shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"expected words as a shell would quote them ({error})") from None


def _is_passable(word: str) -> bool:
    """Return whether the system can hand this text to a program."""
    return "\0" not in word and not any("\ud800" <= character <= "\udfff" for character in word)


def _runnable(argv: list[str]) -> list[str]:
    if not argv or not argv[0]:
        raise ValueError("expected at least the name of a program")
    if not all(map(_is_passable, argv)):
        raise ValueError("expected words of valid Unicode without NUL")
    return argv


def _relative(cwd: str) -> str:
    path = PurePosixPath(cwd)
    if path.is_absolute() or ".." in path.parts or not _is_passable(cwd):
        raise ValueError("expected a directory inside the workspace, relative to it and without '..'")
    return cwd


def _changes_loading(name: str) -> bool:
    # ``PYTHON`` itself is what builds call their interpreter; the longer names are the interpreter's own.
    of_python = name.startswith("PYTHON") and name != "PYTHON"
    return of_python or name in _REFUSED_NAMES or name.startswith(_REFUSED_PREFIXES)


def _harmless(env: dict[str, str]) -> dict[str, str]:
    for name, value in env.items():
        if not name or "=" in name or not _is_passable(name + value):
            raise ValueError("expected names without '=' and texts of valid Unicode without NUL")
        if _changes_loading(name.upper()):
            raise ValueError(f"expected variables that do not change how programs load, without {name[:40]}")
    return env


class ShellCommandArguments(Arguments):
    """The ``with`` of a ``shell_command`` task."""

    argv: Annotated[list[str], BeforeValidator(_split), AfterValidator(_runnable)]
    cwd: Annotated[str, AfterValidator(_relative)] = "."
    env: Annotated[dict[str, str], AfterValidator(_harmless)] = Field(default_factory=dict)
    stdin: str | None = None
    timeout: Seconds | None = None


class ShellCommand:
    """Runs ``argv`` in the workspace and answers its exit code and outputs.

    :param path: the ``PATH`` of commands; by default the worker's own.
    :param kept_bytes: how much of each output stream is kept.
    :param contained: whether to ask the kernel for a PID namespace (see ``processes.guardian``).
    """

    name: ClassVar[str] = "shell_command"

    def __init__(
        self, *, path: str | None = None, kept_bytes: int = KEPT_BYTES, contained: bool = True
    ) -> None:
        self._path = path
        self._kept_bytes = kept_bytes
        self._contained = contained

    def check_arguments(
        self, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[ArgumentProblem]:
        return check_against(ShellCommandArguments, arguments, templated=templated)

    def execute(self, call: Call) -> Outcome:
        arguments = parse_arguments(ShellCommandArguments, call.arguments)
        if isinstance(arguments, Failed):
            return arguments
        cwd = _directory(call.workspace, arguments.cwd)
        if isinstance(cwd, Failed):
            return cwd
        if call.cancellation.requested:
            return Interrupted(reason=call.cancellation.reason)
        bounds = [bound for bound in (arguments.timeout, call.timeout_seconds) if bound is not None]
        with _temporary(call.workspace.resolve()) as temporary:
            return perform_command(
                Command(
                    argv=arguments.argv,
                    cwd=cwd,
                    env=self._environment(temporary, arguments.env),
                    stdin=None if arguments.stdin is None else arguments.stdin.encode("utf-8", "replace"),
                ),
                limits=Limits(
                    timeout_seconds=min(bounds, default=None),
                    kept_bytes=self._kept_bytes,
                    contained=self._contained,
                ),
                cancellation=call.cancellation,
            )

    def _environment(self, temporary: Path, additions: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": self._path or os.environ.get("PATH", os.defpath),
            "HOME": str(temporary.parent),
            "LANG": "C.UTF-8",
            "TMPDIR": str(temporary),
            **additions,
        }


@contextmanager
def _temporary(workspace: Path) -> Iterator[Path]:
    """Make the command's directory for what nobody keeps; it is gone afterwards, with all that is in it."""
    temporary = workspace / ".tmp"
    temporary.mkdir(exist_ok=True)
    try:
        yield temporary
    finally:
        # A link put in its place is left alone, and so is what it leads to.
        shutil.rmtree(temporary, ignore_errors=True)


def _directory(workspace: Path, cwd: str) -> Path | Failed:
    """Return the directory meant, or the failure when links lead it out of the workspace."""
    try:
        inside = workspace.resolve(strict=True)
        directory = (inside / cwd).resolve(strict=True)
    except (OSError, RuntimeError):
        return bad_input(f"cwd: expected a directory that exists in the workspace, found {cwd[:80]!r}")
    if not directory.is_relative_to(inside):
        return bad_input("cwd: expected a directory inside the workspace, found a link that leads out")
    if not directory.is_dir():
        return bad_input(f"cwd: expected a directory, found the file {cwd[:80]!r}")
    return directory
