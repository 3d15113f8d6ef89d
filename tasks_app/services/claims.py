"""Claims: how a worker takes a task and keeps it. Every later write shows the claim's fence."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import IntegrityError
from django.db.models import F

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.errors import StaleDispatch
from tasks_app.models import ExecutionRecord, Task
from tasks_app.models.moves import update_returning
from tasks_app.outcomes import JSON, Failed
from tasks_app.planning.secrets import secret_texts
from tasks_app.planning.templates import TemplateError, render
from tasks_app.states import TaskState


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
    executor: str
    arguments: Mapping[str, JSON]
    reads: tuple[str, ...]
    timeout_seconds: float | None
    secrets: tuple[str, ...] = ()

    @property
    def known_secrets(self) -> tuple[str, ...]:
        """The texts that must not be stored of what the attempt says."""
        return secret_texts(self.params, self.secrets)

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this task: what an outside system may use to do a thing once."""
        return f"cpds-{self.instance_id}-{self.task_id}"


def claim_task(*, task_id: int, dispatch_id: str, worker: str) -> Claim:
    """Take a task that was published under ``dispatch_id``.

    One conditional update decides: right dispatch, not started, every dependency
    completed, instance running. Among any number of workers one wins.

    :raises StaleDispatch: when it is not to be had under this dispatch (any more).
    """
    wanted = Task.objects.filter(
        pk=task_id, dispatch_id=dispatch_id, status__in=[TaskState.PENDING, TaskState.QUEUED]
    )
    try:
        with db.transaction():
            moved = (
                wanted.in_running_instance()
                .satisfied()
                .move(
                    to=TaskState.RUNNING,
                    by=worker,
                    data={"dispatch": dispatch_id},
                    worker=worker,
                    lease_expires_at=clock.database_now_plus(conf().lease_seconds),
                    started_at=clock.database_now(),
                    progress=None,
                    progress_message="",
                    reason="",
                    attempts=F("attempts") + 1,
                )
            )
            if not moved:
                raise StaleDispatch(task_id=task_id, dispatch_id=dispatch_id)
            task = Task.objects.select_related("instance__workflow").get(pk=task_id)
            ExecutionRecord.objects.create(
                task_id=task_id,
                number=task.attempts,
                dispatch_id=dispatch_id,
                worker=worker,
                executor=task.executor,
                mode=conf().mode,
            )
    except IntegrityError as error:
        raise StaleDispatch(task_id=task_id, dispatch_id=dispatch_id) from error
    return _claim(task, dispatch_id=dispatch_id, worker=worker)


def renew_claims(*, worker: str, claims: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Extend the leases of what a worker runs; return the claims that it still holds.

    What is missing from the answer was taken back, cancelled or finished: the
    worker must stop that work.
    """
    if not claims:
        return set()
    running = Task.objects.filter(
        pk__in=[task_id for task_id, _ in claims], worker=worker, status=TaskState.RUNNING
    )
    with db.transaction():
        rows = update_returning(
            running,
            {"lease_expires_at": clock.database_now_plus(conf().lease_seconds)},
            ("id", "dispatch_id"),
        )
    return {(task_id, dispatch_id) for task_id, dispatch_id in rows} & set(claims)


def render_arguments(*, claim: Claim) -> dict[str, JSON] | Failed:
    """Return the task's ``with`` with its templates filled in, or how that failed."""
    try:
        return render(
            claim.arguments,
            params=claim.params,
            outputs=_outputs(claim.instance_pk, claim.reads) if claim.reads else {},
            instance={"id": claim.instance_id, "workflow": claim.workflow_name},
            task={"name": claim.name, "attempt": claim.attempt},
        )
    except TemplateError as error:
        return Failed(kind="bad_template", message=str(error))


def read_upstream(*, claim: Claim, name: str) -> JSON:
    """Return the output of a task that this one depends on, directly or not.

    :raises LookupError: when it does not.
    """
    frontier = {claim.task_id}
    seen: set[int] = set()
    while frontier:
        needed = Task.objects.filter(followers__task_id__in=frontier).values_list("pk", "name")
        found = {pk: needed_name for pk, needed_name in needed if pk not in seen}
        for pk, needed_name in found.items():
            if needed_name == name:
                return Task.objects.values_list("output", flat=True).get(pk=pk)
        seen |= found.keys()
        frontier = set(found)
    raise LookupError(f"Task {claim.name!r} does not depend on a task named {name!r}; add it to its needs.")


def _outputs(instance_pk: int, names: Collection[str]) -> dict[str, JSON]:
    rows = Task.objects.filter(instance_id=instance_pk, name__in=names, status=TaskState.COMPLETED)
    return dict(rows.values_list("name", "output"))


def _claim(task: Task, *, dispatch_id: str, worker: str) -> Claim:
    return Claim(
        task_id=task.pk,
        dispatch_id=dispatch_id,
        attempt=task.attempts,
        worker=worker,
        instance_pk=task.instance_id,
        instance_id=task.instance.public_id,
        workflow_name=task.instance.workflow.name,
        params=task.instance.params,
        name=task.name,
        executor=task.executor,
        arguments=task.spec["with"],
        reads=tuple(task.spec["reads"]),
        timeout_seconds=task.timeout_seconds or conf().default_timeout_seconds,
        secrets=tuple(task.spec.get("secrets", ())),
    )
