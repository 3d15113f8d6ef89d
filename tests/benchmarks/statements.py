"""Count the SQL statements and transactions of an instance, exactly.

The real services submit, claim and report in this process. Only the broker is played: what would be
published is taken where it leaves the record, and delivered as Celery would deliver it, to eight slots.
Not counted is what a worker does by the clock and not by the task: heartbeats, renewals, sweeps, and
looking once a second how many slots the fleet has.
"""

import math
import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.canvas import publish
from tasks_app.errors import StaleDispatch
from tasks_app.models import Instance, Task
from tasks_app.outcomes import Completed
from tasks_app.planning.engine.canvas_plan import Dispatch
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.inputs import render_arguments
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.lookup.fleet import connect_fleet, connected_fleet
from tasks_app.services.submit.instances import submit_instance

SLOTS = 8
WRITES = ("INSERT", "UPDATE", "DELETE")
TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?(\w+)')


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Statements sent, and transactions committed, those of single writes included."""

    statements: int
    transactions: int
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Statements:
    """What an instance of so many tasks took."""

    tasks: int
    submit: Tally
    run: Tally

    @property
    def per_task(self) -> float:
        """Statements for each task, from its claim to the planning after its end."""
        return self.run.statements / self.tasks

    @property
    def transactions_per_task(self) -> float:
        """Transactions for each task, likewise."""
        return self.run.transactions / self.tasks

    def as_json(self) -> dict[str, Any]:
        """Return the numbers per task, and the kinds of statements of the run, most frequent first."""
        return {
            "tasks": self.tasks,
            "submit": {
                "statements": self.submit.statements,
                "transactions": self.submit.transactions,
                "statements_per_task": round(self.submit.statements / self.tasks, 3),
            },
            "run": {
                "statements": self.run.statements,
                "transactions": self.run.transactions,
                "statements_per_task": round(self.per_task, 3),
                "transactions_per_task": round(self.transactions_per_task, 3),
                "kinds_per_task": {kind: round(n / self.tasks, 3) for kind, n in self.run.kinds.items()},
            },
        }


def count_statements(workflow: str) -> Statements:
    """Run an instance of an uploaded workflow to its end, and count."""
    with played_broker() as courier:
        with _captured() as submitted:
            key = submit_instance(workflow=workflow)
        with _captured() as ran:
            courier.deliver()
    instance = Instance.objects.get(public_id=key)
    if instance.status != "completed":
        raise RuntimeError(f"{workflow} is {instance.status}")
    tasks = Task.objects.filter(instance=instance).count()
    return Statements(tasks=tasks, submit=_tally(submitted), run=_tally(ran))


@contextmanager
def played_broker() -> Iterator["Courier"]:
    """Take what this process publishes in the block, for a fleet of ``SLOTS`` slots."""
    courier = Courier()
    with _slots(SLOTS), mock.patch.object(publish, "publish", courier.publish):
        yield courier


@dataclass
class _Group:
    """The lines of a canvas that still run, and what follows the last of them."""

    left: int
    body: tuple[int, ...]


@dataclass(frozen=True)
class _Delivery:
    """A message: the task, and those that follow it in its line."""

    task_id: int
    dispatch_id: str
    rest: tuple[int, ...]
    group: _Group | None


class Courier:
    """Delivers published canvases as Celery would, first come first served."""

    def __init__(self) -> None:
        self._queue: deque[_Delivery] = deque()

    def publish(self, dispatches: Iterable[Dispatch]) -> bool:
        """Take dispatches in; stands in for the function of this name."""
        for dispatch in dispatches:
            canvas = dispatch.canvas
            group = _Group(left=len(canvas.lines), body=canvas.body)
            self._queue.extend(_Delivery(line[0], dispatch.id, line[1:], group) for line in canvas.lines)
        return True

    def deliver(self, seconds: float = math.inf) -> int:
        """Deliver with up to ``SLOTS`` tasks claimed at any time; return how many were completed.

        Until nothing is left; once the seconds are over nothing more is claimed, and the rest is lost.
        """
        running: deque[tuple[_Delivery, Claim]] = deque()
        completed, ends = 0, time.monotonic() + seconds
        while self._queue or running:
            if time.monotonic() > ends:
                self._queue.clear()
            while self._queue and len(running) < SLOTS:
                self._claim(self._queue.popleft(), running)
            if running:
                delivery, claim = running.popleft()
                render_arguments(claim)
                if report_outcome(claim=claim, outcome=Completed(output=None)):
                    completed += 1
                    self._go_on(delivery)
        return completed

    def _claim(self, delivery: _Delivery, running: deque[tuple[_Delivery, Claim]]) -> None:
        try:
            claim = claim_task(
                task_id=delivery.task_id, dispatch_id=delivery.dispatch_id, worker="counter@tests"
            )
        except StaleDispatch:
            return
        running.append((delivery, claim))

    def _go_on(self, done: _Delivery) -> None:
        if done.rest:
            self._queue.append(_Delivery(done.rest[0], done.dispatch_id, done.rest[1:], done.group))
        elif done.group is not None:
            done.group.left -= 1
            if not done.group.left and (body := done.group.body):
                self._queue.append(_Delivery(body[0], done.dispatch_id, body[1:], None))


class _FleetOf:
    """The fleet in force, with a fixed number of slots."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._real = connected_fleet()

    def slots(self) -> int:
        return self._slots

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextmanager
def _slots(slots: int) -> Iterator[None]:
    real = connected_fleet()
    connect_fleet(_FleetOf(slots))
    try:
        yield
    finally:
        connect_fleet(real)


@contextmanager
def _captured() -> Iterator[list[str]]:
    """Yield a list that holds every statement of this thread after the block, however many they were."""
    found: list[str] = []
    kept, connection.queries_log = connection.queries_log, deque()
    try:
        with CaptureQueriesContext(connection) as captured:
            yield found
        found.extend(query["sql"] for query in captured.captured_queries)
    finally:
        connection.queries_log = kept


def _tally(queries: Iterable[str]) -> Tally:
    kinds: Counter[str] = Counter()
    transactions, inside = 0, False
    for query in queries:
        word = query.split(None, 1)[0].upper().rstrip(";")
        if word in {"BEGIN", "COMMIT", "ROLLBACK"}:
            inside = word == "BEGIN"
            transactions += word == "COMMIT"
            continue
        transactions += not inside and word in WRITES
        table = TABLE.search(query)
        kinds[f"{word} {table[1]}" if table else word] += 1
    return Tally(statements=kinds.total(), transactions=transactions, kinds=dict(kinds.most_common()))
