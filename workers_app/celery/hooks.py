"""What happens when a Celery worker starts, is ready, is told to stop, and has stopped."""

import logging
import os
import sys
from pathlib import Path
from typing import Any, Final

from celery.signals import beat_init, worker_init, worker_ready, worker_shutdown, worker_shutting_down
from django.db import connections

from tasks_app.canvas import names
from tasks_app.services.lookup.requirements import requirements_met
from tasks_app.services.maintenance.sweep import free_claims_of
from workers_app.celery.joining import insist
from workers_app.celery.queues import CeleryQueueControl, choose_queues
from workers_app.checks import UNUSABLE, refuse_what_cannot_work
from workers_app.errors import NameTaken
from workers_app.fleet.abilities import capabilities_here, labels_here, projects_here, served_here
from workers_app.fleet.admission import admission
from workers_app.fleet.control_poll import ControlPoll, queues_for
from workers_app.fleet.lease_keeper import keeper_of_this_process, running_keeper
from workers_app.fleet.workers import Registration, register_worker, retire_worker
from workers_app.registry import close_executors

FAILED: Final = 1

logger = logging.getLogger(__name__)


@worker_init.connect
@beat_init.connect
def look_at_the_settings(**_facts: Any) -> None:
    """Refuse to start with settings that could not work.

    :raises SystemExit: when a system check of CPDS's own says so.
    """
    refuse_what_cannot_work()


@worker_init.connect
def take_the_name(sender: Any = None, **_facts: Any) -> None:
    """Register the worker and free what a dead predecessor of its name still holds.

    It happens before anything is consumed: later it would take back its own work. While
    the database is away, or locked, the worker waits, unregistered, and takes nothing.

    :raises SystemExit: when a living worker has the name already, or it can never be registered.
    """
    # A worker for listeners alone has no slot for tasks.
    takes_tasks = names.TASKS_QUEUE in sender.app.amqp.queues.consume_from
    try:
        insist(act=lambda: _join(sender, takes_tasks=takes_tasks), worker=sender.hostname)
    except NameTaken as taken:
        sys.stderr.write(f"{taken}\n")
        sys.exit(UNUSABLE)
    except Exception:
        # Celery would only note what a handler of its signals raises, and let the worker run unseen.
        logger.exception("worker_not_registered worker=%s", sender.hostname)
        sys.exit(FAILED)
    connections.close_all()


def _join(sender: Any, *, takes_tasks: bool) -> None:
    capabilities = capabilities_here()
    met = requirements_met(capabilities) if takes_tasks else frozenset()
    admission.able, admission.serves, admission.has_slots = met, served_here(), takes_tasks
    choose_queues(sender.app, queues_for(admission) if takes_tasks else [])
    register_worker(_registration(sender))
    free_claims_of(worker=sender.hostname)


def _registration(sender: Any) -> Registration:
    return Registration(
        name=sender.hostname,
        pid=os.getpid(),
        slots=(sender.concurrency or 1) if admission.has_slots else 0,
        capabilities=capabilities_here(),
        labels=labels_here(),
        queues=list(sender.app.amqp.queues.consume_from),
        projects=projects_here(),
    )


@worker_ready.connect
def open_the_queues(sender: Any = None, **_facts: Any) -> None:
    """Start the keeper and say that the worker is ready, to whoever waits for the file."""
    control_poll = ControlPoll(
        worker=sender.hostname,
        capabilities=capabilities_here(),
        control=CeleryQueueControl(sender),
        admission=admission,
        takes_tasks=admission.has_slots,
        register=lambda: register_worker(_registration(sender.controller)),
    )
    keeper_of_this_process(worker=sender.hostname, speaks=True, control_poll=control_poll)
    ready_file = os.environ.get("CPDS_READY_FILE")
    if ready_file:
        Path(ready_file).write_text(str(os.getpid()), encoding="ascii")


@worker_shutting_down.connect
def drain(**_facts: Any) -> None:
    """Let running tasks go on for a while, then hand them back."""
    keeper = running_keeper()
    if keeper is not None:
        keeper.drain()


@worker_shutdown.connect
def leave(sender: Any = None, **_facts: Any) -> None:
    """End what still runs and say goodbye."""
    keeper = running_keeper()
    if keeper is not None:
        keeper.stop()
    close_executors()
    retire_worker(sender.hostname)
    connections.close_all()
