"""The queues a Celery worker consumes, while it runs; and how it is told to leave."""

import logging
import os
import signal
import threading
from collections.abc import Collection, Iterable
from typing import Any

from tasks_app.canvas import names

logger = logging.getLogger(__name__)


def is_of_tasks(queue: str) -> bool:
    """Return whether tasks wait in a queue."""
    return queue == names.TASKS_QUEUE or queue.startswith((f"{names.TASKS_QUEUE}.needs.", names.OWN_QUEUES))


def choose_queues(app: Any, queues: Iterable[str]) -> None:
    """Have a worker that has not started yet consume these queues, and none of tasks beside them.

    Without a choice it would consume every queue that it ever published to.
    """
    known = app.amqp.queues
    known.select(list(known.consume_from))
    # One by one: to choose none of the rest would be to choose all.
    known.deselect([queue for queue in known.consume_from if is_of_tasks(queue)])
    for queue in queues:
        known.select_add(queue)


class CeleryQueueControl:
    """The queues of a running worker. Its event loop opens and closes them, in its own thread."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        known = consumer.app.amqp.queues.consume_from
        self._open = {queue for queue in known if is_of_tasks(queue)}
        self._lock = threading.Lock()
        self._is_leaving = False

    def open(self, queues: Collection[str]) -> None:
        """Consume these queues, and none of tasks beside them."""
        wanted = set(queues)
        with self._lock:
            opening, closing = wanted - self._open, self._open - wanted
            self._open = wanted
        for queue in sorted(opening):
            self._consumer.call_soon(self._begin, queue)
        for queue in sorted(closing):
            self._consumer.call_soon(self._end, queue)

    def leave(self) -> None:
        """Have Celery shut the worker down, as SIGTERM does."""
        if not self._is_leaving:
            self._is_leaving = True
            os.kill(os.getpid(), signal.SIGTERM)

    def _begin(self, queue: str) -> None:
        self._consumer.app.amqp.queues.select_add(queue)
        self._consumer.add_task_queue(queue)
        logger.info("queue_opened queue=%s", queue)

    def _end(self, queue: str) -> None:
        self._consumer.cancel_task_queue(queue)
        logger.info("queue_closed queue=%s", queue)
