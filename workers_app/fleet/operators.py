"""What operators want of workers: noted on their rows, read by them within a second, and obeyed."""

from cpds.base import clock, db
from tasks_app.errors import NotFound
from workers_app.errors import NotAskable
from workers_app.models import Worker, WorkerKind


def find_worker(given: str) -> Worker:
    """Return a worker by its id or its name; of one name the Celery worker comes first.

    :raises NotFound: when there is none.
    """
    by_id = Worker.objects.filter(public_id=given).first()
    found = by_id or Worker.objects.filter(name=given).order_by("kind", "project_id", "pk").first()
    if found is None:
        raise NotFound(kind="worker", given=given, listing="manage.py worker list")
    return found


def drain_worker(given: str) -> Worker:
    """Have a worker finish what it runs and take nothing new, until it is undrained, restarts included.

    :raises NotFound: when there is none.
    """
    worker = find_worker(given)
    Worker.objects.filter(pk=worker.pk, drain_requested_at__isnull=True).update(
        drain_requested_at=clock.database_now()
    )
    return find_worker(worker.public_id)


def undrain_worker(given: str) -> Worker:
    """Have a drained worker take tasks again.

    :raises NotFound: when there is none.
    """
    worker = find_worker(given)
    Worker.objects.filter(pk=worker.pk).update(drain_requested_at=None)
    return find_worker(worker.public_id)


def stop_worker(given: str) -> Worker:
    """Have a living worker shut down: what runs may go on for the drain time, the rest is handed back.

    :raises NotFound: when there is none.
    :raises NotAskable: when it is not there, or is one that CPDS does not run.
    """
    worker = find_worker(given)
    with db.transaction():
        alive = Worker.objects.filter(pk=worker.pk, kind=WorkerKind.CELERY)
        asked = alive.alive().update(stop_requested_at=clock.database_now())
    if not asked:
        why = "it is not there" if worker.kind == WorkerKind.CELERY else "it is run by somebody else"
        raise NotAskable(name=worker.name, why=why)
    return find_worker(worker.public_id)
