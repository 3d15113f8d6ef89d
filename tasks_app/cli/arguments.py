"""What an argument of a command may be; anything else is a usage error."""

import argparse
import re
from datetime import datetime

from cpds.base import clock
from tasks_app.planning.values.durations import parse_duration
from tasks_app.planning.values.moments import parse_later

MOST_ROWS = 10_000


def reference(text: str) -> str:
    """Return an id, the start of one, a name or ``K=V``: any text that is text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8") from None
    return text


def row_count(text: str) -> int:
    """Return how many rows to show at most."""
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_ROWS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows: expected 1 to {MOST_ROWS}")


def span(text: str) -> float:
    """Return seconds from a number of them or a text such as ``5m``."""
    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdecimal() else text, allow_zero=True)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def later(text: str) -> datetime:
    """Return a time to come, from one in ISO 8601 (without a zone: UTC) or a span from now such as ``2h``."""
    try:
        return parse_later(text, now=clock.now())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def slug(text: str) -> str:
    """Return what may stand in an address: letters, digits, ``-`` and ``_``."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no slug: expected 1 to 64 letters, digits, - or _")


def takes_params(parser: argparse.ArgumentParser, *, help: str) -> None:  # noqa: A002 - as argparse names it
    """Take parameters of a workflow as ``options.param``: a list of ``K=V``."""
    parser.add_argument(
        "--param",
        metavar="K=V",
        action="append",
        default=[],
        type=reference,
        help=f"{help}; give it again for others",
    )
