"""Who runs a command, and why: what is recorded beside what they decide."""

import getpass
from argparse import ArgumentParser

from tasks_app.cli import arguments


def whoever() -> str:
    """Return the name of who runs this program; empty where it has none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def takes_by(parser: ArgumentParser, *, help: str = "who decides; recorded") -> None:  # noqa: A002 - as argparse names it
    """Take who does it as ``options.by``; by default who runs the command."""
    parser.add_argument(
        "--by",
        metavar="WHO",
        type=arguments.reference,
        default=whoever(),
        help=f"{help} (the name of your account)",
    )


def takes_reason(parser: ArgumentParser, *, option: str = "--reason") -> None:
    """Take why, as a text that may be empty; ``option`` names it as its command's users say it."""
    parser.add_argument(option, metavar="TEXT", type=arguments.reference, default="", help="why; recorded")
