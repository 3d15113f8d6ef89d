"""What a task function sees of CPDS: its facts, and the few things it may ask or say."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from tasks_app.outcomes import JSON, LastBatch
from workers_app.errors import NotContinuous, StreamEnded
from workers_app.executors.contract import Call
from workers_app.functions import find_service

T = TypeVar("T")


class FunctionContext:
    """What a task function sees of CPDS. Every call is the same in ``def`` and in ``async def``.

    ``upstream``, ``progress`` and ``log`` wait for the database. In a coroutine
    that pauses its event loop for some milliseconds; who cannot have that calls
    them by ``asyncio.to_thread``.
    """

    def __init__(self, call: Call, stopped: threading.Event) -> None:
        self._call = call
        self._stopped = stopped
        self._helper: ThreadPoolExecutor | None = None
        self.arguments: Mapping[str, JSON] = call.arguments
        self.params: Mapping[str, JSON] = call.params
        self.task_name = call.task_name
        self.instance_id = call.instance_id
        self.attempt = call.attempt
        self.idempotency_key = call.idempotency_key
        self.workspace = call.workspace
        self.was_told = False
        """Whether the function has asked and heard that it is to stop: its result is then no result."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop: cancelled, out of time, or the claim is lost."""
        stream = self._call.stream
        self.was_told = self.was_told or self._is_over() or (stream is not None and stream.is_ending)
        return self.was_told

    def upstream(self, name: str) -> JSON:
        """Return the output of a task this one depends on, directly or not.

        :raises LookupError: when it does not.
        """
        return self._ask(lambda: self._call.upstream(name))

    def service(self, name: str) -> Any:
        """Return the service registered under ``name`` in the settings.

        :raises UnknownService: when there is none.
        """
        return find_service(name)

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the work is, 0 to 1."""
        if not self._is_over():
            self._ask(lambda: self._call.progress(fraction, str(message)))

    def log(self, message: str) -> None:
        """Add a line to the instance's log."""
        if not self._is_over():
            self._ask(lambda: self._call.log(str(message)))

    @property
    def last_batch(self) -> LastBatch | None:
        """What a continuous task handed on last, before this attempt; None when it is the first."""
        return None if self._call.stream is None else self._call.stream.last_batch

    def emit(self, item: JSON) -> None:
        """Hand an item on to the tasks that need this one; wait while they are too far behind.

        :raises StreamEnded: when the task was told to stop; the item was not taken.
        :raises BadItem: when it is not JSON, or too large.
        :raises NotContinuous: when the task is not ``mode: continuous``.
        """
        stream = self._call.stream
        if stream is None:
            raise NotContinuous(task=self._call.task_name)
        if self._stopped.is_set():
            raise StreamEnded(task=self._call.task_name, reason="it ran out of time or was told to stop")
        self._ask(lambda: stream.emit(item))

    def close(self) -> None:
        """Give back what the context opened. The function has ended."""
        if self._helper is not None:
            self._helper.submit(connections.close_all)
            self._helper.shutdown()

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._call.cancellation.requested

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask the database, from where it may be asked: Django refuses in the thread of a running loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return question()
        if self._helper is None:
            self._helper = ThreadPoolExecutor(1, thread_name_prefix=f"task-{self._call.task_id}-asks")
        return self._helper.submit(question).result()
