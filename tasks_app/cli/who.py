"""Who runs a command."""

import getpass


def whoever() -> str:
    """Return the name of who runs this program; empty where it has none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
