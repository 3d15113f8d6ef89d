"""What the command line of ``manage.py standalone`` says, once it is checked."""

import argparse
import math
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Options:
    """One start of standalone mode. The state directory is the settings', not repeated here."""

    host: str = "127.0.0.1"
    port: int = 8848
    concurrency: int = 20
    execute: str | None = None
    """A workflow file to upload and run; ``-`` is standard input."""
    params: list[str] = field(default_factory=list)
    """``name=value`` pairs, which go before those of ``params_file``."""
    params_file: str | None = None
    auto_shutdown: bool = False
    grace_seconds: float = 2.0
    json: bool = False
    progress: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--host", default="127.0.0.1", help="address the web server listens on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8848, help="its port; 0 takes a free one (%(default)s)")
    parser.add_argument("--state-dir", metavar="DIR", help="the state directory ($CPDS_STATE_DIR, or var)")
    parser.add_argument(
        "--concurrency", type=_positive, default=20, metavar="N", help="tasks at a time (%(default)s)"
    )
    parser.add_argument("--execute", metavar="FILE", help="upload this workflow and run it; - reads stdin")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="K=V",
        dest="params",
        help="a parameter of the workflow",
    )
    parser.add_argument(
        "--params-file", metavar="FILE", help="parameters as a YAML mapping; --param goes before it"
    )
    parser.add_argument("--auto-shutdown", action="store_true", help="stop once nothing is left to do")
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=2.0,
        metavar="SECONDS",
        help="for --auto-shutdown: how long nothing must be left (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--no-progress", action="store_true", help="no live view on a terminal")


def from_arguments(parser: argparse.ArgumentParser, given: dict[str, object]) -> Options:
    """Return the options; the parser reports what does not fit together and exits with code 2."""
    chosen = argparse.Namespace(**given)
    if chosen.execute is None and (chosen.params or chosen.params_file):
        parser.error("--param and --params-file need --execute FILE")
    if chosen.json and chosen.execute is None:
        parser.error("--json needs --execute FILE: it prints the final state of what that started")
    for pair in chosen.params:
        if not pair.partition("=")[0].strip() or "=" not in pair:
            parser.error(f"--param {pair!r} is not of the form name=value")
    return Options(
        host=chosen.host,
        port=chosen.port,
        concurrency=chosen.concurrency,
        execute=chosen.execute,
        params=list(chosen.params),
        params_file=chosen.params_file,
        auto_shutdown=chosen.auto_shutdown,
        grace_seconds=chosen.grace,
        json=chosen.json,
        progress=not chosen.no_progress,
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected 0 to 65535")


def _positive(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of tasks: expected 1 to 10000")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: expected 0 or more")
    return value
