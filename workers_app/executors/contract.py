"""The contract between the runner and every executor.

An executor is told everything by its ``Call`` and answers with an ``Outcome``.
It never touches the database, never raises for an anticipated failure, and
ends whatever it started before it returns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tasks_app.outcomes import JSON, LastBatch, Outcome
from workers_app.executors.cancellation import Cancellation


class Stream(Protocol):
    """Takes what a continuous task emits."""

    @property
    def is_ending(self) -> bool:
        """Whether the task was told to end: it should return soon."""
        ...

    @property
    def last_batch(self) -> LastBatch | None:
        """What was handed on last when this attempt began."""
        ...

    def emit(self, value: JSON) -> None:
        """Take one item; wait while too much is unconsumed.

        :raises StreamEnded: when the task was told to stop; the item was not taken.
        :raises BadItem: when it is not JSON, or too large.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Call:
    """One attempt, as an executor sees it.

    ``arguments`` is the task's ``with`` after rendering. ``workspace`` is a
    directory of this attempt alone; it exists. ``timeout_seconds`` bounds the
    whole attempt (None: no bound): the executor must have stopped its work by
    then and answer ``Failed(kind="timeout")``. ``progress`` takes a fraction
    0..1 and a message. ``before_waiting`` is called by an executor that is about to
    wait for others: what the runner keeps open for it is closed meanwhile. ``stream``
    is there for a continuous task only.
    """

    task_id: int
    task_name: str
    instance_id: str
    attempt: int
    idempotency_key: str
    arguments: Mapping[str, JSON]
    params: Mapping[str, JSON]
    workspace: Path
    timeout_seconds: float | None
    cancellation: Cancellation
    upstream: Callable[[str], JSON]
    progress: Callable[[float, str], None]
    log: Callable[[str], None]
    before_waiting: Callable[[], None] = lambda: None
    stream: Stream | None = None


@dataclass(frozen=True, kw_only=True)
class ArgumentProblem:
    """One thing wrong with the ``with`` of a task, found before it runs."""

    field: str
    message: str
    hint: str = ""


class Executor(Protocol):
    """Performs one kind of task."""

    @property
    def name(self) -> str:
        """What ``run`` says to ask for it."""
        ...

    def check_arguments(
        self, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[ArgumentProblem]:
        """Return what is wrong with a task's ``with`` as far as it can be told before running.

        ``templated`` names the top-level fields whose value contains a template
        anywhere: only their presence can be judged yet.
        """
        ...

    def execute(self, call: Call) -> Outcome:
        """Do the work and say how it went. Never raises for an anticipated failure."""
        ...
