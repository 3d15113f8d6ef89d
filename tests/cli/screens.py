"""A terminal, as far as a command can tell."""

from io import StringIO


class Screen(StringIO):
    """Keeps what a terminal would be sent, or answers what somebody would type."""

    def isatty(self) -> bool:
        """Say yes."""
        return True
