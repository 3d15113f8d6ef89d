"""What a workflow may run, as far as planning has to know."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tasks_app.outcomes import JSON


class Catalog(Protocol):
    """The executors and functions a task may name in ``run``."""

    def names(self) -> frozenset[str]:
        """Return everything ``run`` may name."""
        ...

    def check(
        self, run: str, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        """Return (field, message, hint) for each thing wrong with a task's ``with``.

        ``field`` is a key of ``with``, or empty for the whole of it. ``templated``
        names the fields whose value holds a template anywhere: only their presence
        can be judged before the task runs.
        """
        ...
