"""The listeners as the record sees them."""

from collections.abc import Mapping

from workers_app.listeners.registry import registry


class ListenerSubscriptions:
    """Answers the record's question; see ``tasks_app.services.listeners.subscriptions.Subscriptions``."""

    def wishes(self) -> Mapping[str, frozenset[str]]:
        """Return the event names each listener wants."""
        return registry().wishes
