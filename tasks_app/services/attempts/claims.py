"""Claims: how a worker takes a task and keeps it. Every later write shows the claim's fence."""

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from django.db import IntegrityError

from cpds.base import db
from cpds.base.conf import conf
from cpds.base.in_doubt import settle_in_doubt
from cpds.base.statements import Rows
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, Instance, Task, hot_path, identifiers
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.retry_policy import retry_policy
from tasks_app.planning.engine.retrying import RetryPolicy
from tasks_app.planning.inputs.secrets import secret_texts
from tasks_app.planning.values.stored_spec import CONTINUOUS, StoredSpec
from tasks_app.services.attempts.template_context import roots_of
from tasks_app.services.lookup.fences import Fence
from tasks_app.services.progress.batches import batch_output
from tasks_app.states import EXTERNAL, Gate, TaskState

REMEMBERED_INSTANCES: Final = 256


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """When the buffer of a continuous task is handed on."""

    buffer_size: int
    flush_seconds: float


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A task this worker may perform, until its lease runs out unrenewed."""

    task_id: int
    dispatch_id: str
    attempt: int
    worker: str
    instance_pk: int
    instance_id: str
    workflow_name: str
    params: Mapping[str, JSON]
    name: str
    compensates: int | None = None
    failures: int
    retry: RetryPolicy | None
    executor: str
    arguments: Mapping[str, JSON]
    reads: tuple[str, ...]
    foreign: Mapping[str, int] = field(default_factory=dict)
    """The tasks of other instances that its templates read: their keys, by the names they have there."""
    timeout_seconds: float | None
    parent_id: int | None = None
    stream: "StreamSettings | None" = None
    """How to stream; None for a task that is not continuous."""
    batch: Mapping[str, JSON] = field(default_factory=dict)
    """What a run for a batch sees in place of its stream's output, by the stream's name."""
    roots: Mapping[str, JSON] = field(default_factory=dict)
    """What its templates know besides the names that all know."""
    secrets: tuple[str, ...] = ()

    @property
    def fence(self) -> Fence:
        """What shows that it is held."""
        return Fence(self.task_id, self.dispatch_id)

    @property
    def known_secrets(self) -> tuple[str, ...]:
        """The texts that must not be stored of what the attempt says."""
        return secret_texts(self.params, self.secrets)

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this task: what an outside system may use to do a thing once."""
        return f"cpds-{self.instance_id}-{self.task_id}"


def claim_task(
    *,
    task_id: int,
    dispatch_id: str,
    worker: str,
    gate: Gate = Gate.OPEN,
    able: Collection[str] = (),
    serves: Collection[int] | None = None,
) -> Claim:
    """Take a task that was published under ``dispatch_id``.

    One conditional update decides: right dispatch, not started, dependencies
    satisfied, every gate passed, instance running, and its requirement set among
    ``able``, those that the worker meets, and its project among those it ``serves``
    (None: any). Among any number of workers one wins.
    ``gate`` is given to fail a task at a gate that cannot be judged.
    When the connection breaks around the commit, the row says whose the task is.

    :raises StaleDispatch: when it is not to be had under this dispatch (any more).
    """
    return _claim_idempotently(
        lambda: hot_path.CLAIM.run(
            task_id=task_id,
            dispatch_id=dispatch_id,
            gate=str(gate),
            worker=worker,
            lease_seconds=conf().lease_seconds,
            able=hot_path.listed(able),
            serves=hot_path.serving(serves),
        ),
        task_id=task_id,
        dispatch_id=dispatch_id,
        worker=worker,
    )


def claim_without_message(*, task_id: int, worker: str, is_lent: bool = False) -> Claim:
    """Take a task that no message brought, under a new dispatch; among any number of workers one wins.

    It is one that waits for an HTTP worker. With ``is_lent`` it is one that HTTP workers may take as well
    as others: a message that is out for it is stale afterwards, and the caller holds the instance's lock.

    :raises StaleDispatch: when it is not to be had.
    """
    dispatch_id = identifiers.dispatch_id()
    executors = conf().http_worker_executors if is_lent else [EXTERNAL]
    return _claim_idempotently(
        lambda: hot_path.CLAIM_WITHOUT_MESSAGE.run(
            task_id=task_id,
            dispatch_id=dispatch_id,
            worker=worker,
            lease_seconds=conf().lease_seconds,
            executors=hot_path.listed(executors),
        ),
        task_id=task_id,
        dispatch_id=dispatch_id,
        worker=worker,
    )


def held_claim(*, task_id: int, worker: str | None = None, dispatch_id: str | None = None) -> Claim | None:
    """Return the claim under which a task runs; None when it does not, or not for this worker."""
    rows = Task.objects.filter(pk=task_id, status=TaskState.RUNNING)
    if worker is not None:
        rows = rows.filter(worker=worker)
    if dispatch_id is not None:
        rows = rows.filter(dispatch_id=dispatch_id)
    task = rows.values(*hot_path.CLAIM_COLUMNS, "worker", "dispatch_id").first()
    if task is None:
        return None
    return _claim(task_id, task, dispatch_id=task["dispatch_id"], worker=task["worker"])


def _claim_idempotently(decide: Callable[[], Rows], *, task_id: int, dispatch_id: str, worker: str) -> Claim:
    """Take a task; its event carries a mark, by which a commit of unknown outcome is recognized."""
    mark = secrets.token_hex(8)
    return settle_in_doubt(
        lambda: _take(decide, task_id=task_id, dispatch_id=dispatch_id, worker=worker, mark=mark),
        was_done=lambda: _taken_before(task_id=task_id, dispatch_id=dispatch_id, worker=worker, mark=mark),
    )


def _take(decide: Callable[[], Rows], *, task_id: int, dispatch_id: str, worker: str, mark: str) -> Claim:
    try:
        with db.transaction():
            rows = decide()
            if not rows:
                raise StaleDispatch(task_id=task_id, dispatch_id=dispatch_id)
            task = dict(zip(hot_path.CLAIM_COLUMNS, rows[0], strict=True))
            hot_path.NOTE_MOVE.run(
                task_id=task_id,
                instance_id=task["instance_id"],
                attempt=task["attempts"],
                kind=f"task.{TaskState.RUNNING}",
                worker=worker,
                data=json.dumps({"dispatch": dispatch_id, "claim": mark}),
            )
            hot_path.OPEN_RECORD.run(
                task_id=task_id,
                number=task["attempts"],
                dispatch_id=dispatch_id,
                worker=worker,
                executor=task["executor"],
                mode=conf().mode,
            )
    except IntegrityError as error:
        raise StaleDispatch(task_id=task_id, dispatch_id=dispatch_id) from error
    return _claim(task_id, task, dispatch_id=dispatch_id, worker=worker)


def _taken_before(*, task_id: int, dispatch_id: str, worker: str, mark: str) -> Claim | None:
    """Return the claim that a commit of unknown end brought, if it did.

    The worker's name is not enough: the same message may have come twice, and
    another thread of this worker may be at the task.
    """
    held = Task.objects.held(task_id=task_id, dispatch_id=dispatch_id).filter(worker=worker)
    task = held.values(*hot_path.CLAIM_COLUMNS).first()
    if task is None:
        return None
    taken = Event.objects.filter(task_id=task_id, attempt=task["attempts"], kind=f"task.{TaskState.RUNNING}")
    if not any(data.get("claim") == mark for data in taken.values_list("data", flat=True)):
        return None
    return _claim(task_id, task, dispatch_id=dispatch_id, worker=worker)


def _claim(task_id: int, task: Mapping[str, Any], *, dispatch_id: str, worker: str) -> Claim:
    spec: StoredSpec = json.loads(task["spec"]) if isinstance(task["spec"], str) else task["spec"]
    instance = _instance_facts(task["instance_id"])
    stream = (
        StreamSettings(buffer_size=spec["buffer_size"], flush_seconds=spec["flush_interval"])
        if spec.get("mode") == CONTINUOUS
        else None
    )
    return Claim(
        task_id=task_id,
        dispatch_id=dispatch_id,
        attempt=task["attempts"],
        worker=worker,
        instance_pk=task["instance_id"],
        instance_id=instance.public_id,
        workflow_name=instance.workflow_name,
        params=instance.params,
        name=task["name"],
        compensates=task["compensates_id"],
        failures=task["failures"],
        retry=retry_policy(spec),
        executor=task["executor"],
        arguments=spec["with"],
        reads=tuple(spec["reads"]),
        foreign=spec.get("foreign", {}),
        # A stream is not meant to end, so it has a timeout only when it asks for one.
        timeout_seconds=task["timeout_seconds"] or (None if stream else conf().default_timeout_seconds),
        parent_id=task["parent_id"],
        stream=stream,
        batch=batch_output(spec),
        roots=roots_of(task_id=task_id, parent_id=task["parent_id"], spec=spec),
        secrets=tuple(spec.get("secrets", ())),
    )


@dataclass(frozen=True)
class _InstanceFacts:
    public_id: str
    params: Mapping[str, JSON]
    workflow_name: str


@lru_cache(maxsize=REMEMBERED_INSTANCES)
def _instance_facts(instance_pk: int) -> _InstanceFacts:
    """Return what every task of an instance is told; none of it ever changes."""
    row = Instance.objects.values_list("public_id", "params", "workflow__name").get(pk=instance_pk)
    return _InstanceFacts(public_id=row[0], params=row[1], workflow_name=row[2] or "")


def forget_instances() -> None:
    """Forget what is remembered of instances; for tests, where keys come again."""
    _instance_facts.cache_clear()
