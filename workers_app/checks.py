"""System checks of the fleet: wrong settings stop a program at its start, with what to do."""

from collections.abc import Sequence
from typing import Any

from django.core import checks

from tasks_app.services.audience import known_names
from workers_app.listeners.registry import registry


@checks.register("cpds")
def check_listeners(app_configs: Sequence[Any] | None, **_facts: Any) -> list[checks.CheckMessage]:
    """Report listeners that cannot be used, and events that nobody ever hears."""
    del app_configs
    found = registry()
    problems: list[checks.CheckMessage] = [
        checks.Error(
            str(problem),
            hint="Correct the entry in CPDS['listeners'] (CPDS_LISTENERS in the environment), or remove it; "
            "docs/listeners.md shows examples.",
            id="cpds.E201",
        )
        for problem in found.problems
    ]
    known = known_names()
    for name, registered in found.listeners.items():
        unheard = sorted(registered.events - known)
        if unheard:
            problems.append(
                checks.Warning(
                    f"The listener {name!r} waits for events that do not exist: {', '.join(unheard)}.",
                    hint=f"Use names of this list: {', '.join(sorted(known))}.",
                    id="cpds.W202",
                )
            )
    return problems
