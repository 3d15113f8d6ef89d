"""What the parts of an address may be; anything else is an address that does not exist."""

from django.urls import register_converter


class KeyConverter:
    """A row's number, as large as every database can compare."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return it as it stands in an address."""
        return str(value)


class ReferenceConverter:
    """An id, the start of one, or a name."""

    regex = "[^/\x00]{1,200}"

    def to_python(self, value: str) -> str:
        """Return the text."""
        return value

    def to_url(self, value: str) -> str:
        """Return it as it stands in an address."""
        return value


def register() -> None:
    """Make ``<key:...>`` and ``<ref:...>`` known."""
    register_converter(KeyConverter, "key")
    register_converter(ReferenceConverter, "ref")
