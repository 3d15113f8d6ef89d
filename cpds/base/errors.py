"""The root of every anticipated error."""

from http import HTTPStatus
from typing import Any, ClassVar


class CPDSError(Exception):
    """A situation CPDS foresaw: it has a code, facts, and a sentence on what to do.

    Subclasses set ``code`` (stable, for machines), ``http_status`` and
    ``retryable``, and a ``sentence`` that is formatted with the facts given.
    The facts are kept as attributes.
    """

    code: ClassVar[str] = "cpds_error"
    http_status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "Something CPDS foresaw went wrong."

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.sentence.format(**facts))

    def __getattr__(self, name: str) -> Any:
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(f"{type(self).__name__} has no fact {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.facts))


def _rebuild(kind: type[CPDSError], facts: dict[str, Any]) -> CPDSError:
    return kind(**facts)
