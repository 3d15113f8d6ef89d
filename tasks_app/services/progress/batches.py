"""Batches: what streams handed on, and how far their dependants have come with it."""

from typing import Final

from django.db.models import OuterRef, Subquery

from cpds.base import db
from tasks_app.models import Instance, StreamBatch, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.outcomes import JSON
from tasks_app.planning.values.stored_spec import StoredSpec
from tasks_app.states import TASK_UNFINISHED, OnFailure, TaskState, WaitKind

COPIED_AT_ONCE: Final = 100


def last_batch(stream_id: int) -> StreamBatch | None:
    """Return the newest batch of a stream."""
    return StreamBatch.objects.filter(task_id=stream_id).order_by("-number").first()


def stream_of(consumer: Task) -> Task:
    """Return the stream whose batches a task takes."""
    return Task.objects.get(
        instance_id=consumer.instance_id, name=consumer.spec["stream"], parent__isnull=True
    )


def batch_output(spec: StoredSpec) -> dict[str, JSON]:
    """Return what a run for a batch sees in place of its stream's output; nothing for any other task."""
    batch = spec.get("batch")
    if batch is None:
        return {}
    items = StreamBatch.objects.values_list("items", flat=True).get(
        task_id=batch["stream_id"], number=batch["number"]
    )
    return {batch["stream"]: items}


def with_progress(consumers: TaskQuerySet) -> TaskQuerySet:
    """Note on each consumer its newest run (``begun``) and its first unfinished one (``unfinished``)."""
    runs = Task.objects.filter(parent=OuterRef("pk"))
    unfinished = runs.filter(status__in=sorted(TASK_UNFINISHED)).order_by("item_index")
    noted: TaskQuerySet = consumers.annotate(
        begun=Subquery(runs.order_by("-item_index").values("item_index")[:1]),
        unfinished=Subquery(unfinished.values("item_index")[:1]),
    )
    return noted


def unconsumed(stream_id: int) -> int:
    """Return how many batches a stream is ahead of its slowest dependant; 0 when none takes any more."""
    newest = last_batch(stream_id)
    if newest is None:
        return 0
    consumers = Task.objects.filter(needs__needed_id=stream_id, status__in=sorted(TASK_UNFINISHED))
    progress = with_progress(consumers).values_list("begun", "unfinished")
    done = [unfinished - 1 if unfinished is not None else begun or 0 for begun, unfinished in progress]
    return newest.number - min(done, default=newest.number)


def idle_consumers(stream_id: int) -> list[int]:
    """Return the dependants of a stream that are between two batches."""
    consumers = Task.objects.filter(
        needs__needed_id=stream_id, status=TaskState.WAITING, wait_kind=WaitKind.BATCHES
    )
    free = with_progress(consumers).filter(unfinished__isnull=True)
    return list(free.order_by("pk").values_list("pk", flat=True))


def failure_stops(instance: Instance) -> bool:
    """Return whether a failure lets nothing new start in an instance."""
    failed = Task.objects.filter(instance=instance, status=TaskState.FAILED, satisfies=False)
    return instance.on_failure != OnFailure.CONTINUE and failed.exists()


def streams_must_end(instance: Instance) -> bool:
    """Return whether the streams of an instance are told to end: it is being cancelled, or has failed."""
    return instance.is_stopping or failure_stops(instance)


@db.transaction_required
def copy_batches(*, source: Task, target: Task) -> None:
    """Give a stream what another of the same name handed on: a rerun consumes it again."""
    batches = StreamBatch.objects.filter(task=source).order_by("number")
    for batch in batches.iterator(chunk_size=COPIED_AT_ONCE):
        batch.pk, batch.task_id = None, target.pk
        batch.save(force_insert=True)
