"""The fleet as a Django app."""

from collections.abc import Collection, Mapping, Sequence

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Workers and executors."""

    name = "workers_app"
    verbose_name = "CPDS fleet"

    def ready(self) -> None:
        """Connect the fleet and the listeners to the record, and CPDS's hooks to Celery's worker."""
        from cpds.celery import app
        from tasks_app.services.listeners.subscriptions import connect_subscriptions
        from tasks_app.services.lookup.fleet import connect_fleet
        from tasks_app.services.lookup.http_workers import connect_http_workers
        from workers_app import checks
        from workers_app.celery import hooks
        from workers_app.fleet.record_port import fleet
        from workers_app.listeners.subscriptions import ListenerSubscriptions

        connect_fleet(fleet)
        connect_subscriptions(ListenerSubscriptions())
        connect_http_workers(is_online=_is_http_worker_online, abilities=_http_abilities)
        self.connected = (app, checks, hooks)


def _is_http_worker_online(project_id: int) -> bool:
    # Imported late: every program starts with this module, and few ask.
    from workers_app.transports.http.workers import is_http_worker_online

    return is_http_worker_online(project_id)


def _http_abilities(project_ids: Collection[int]) -> Mapping[int, Sequence[frozenset[str]]]:
    from workers_app.transports.http.workers import abilities_by_project

    return abilities_by_project(project_ids)
