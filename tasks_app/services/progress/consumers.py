"""Consumers: tasks that need a stream. They are run once for each of its batches, in order.

A consumer's own row waits while its runs, tasks with it as ``parent``, do the
work. A run is made when the one before it has ended, so nothing has to be kept
in order; what was consumed is told by the runs alone.
"""

from dataclasses import dataclass

from cpds.base import clock, db
from tasks_app.models import Instance, StreamBatch, Task
from tasks_app.outcomes import JSON
from tasks_app.services.progress.batches import failure_stops, stream_of
from tasks_app.services.progress.items import create_run
from tasks_app.states import TASK_FINAL, Gate, TaskState, WaitKind

REASON = "takes the batches of {stream}"


@dataclass(frozen=True, kw_only=True)
class ConsumerEnd:
    """How a consumer ends."""

    state: TaskState
    kind: str = ""
    message: str = ""
    output: JSON = None


@db.transaction_required
def take_next_batch(consumer: Task) -> ConsumerEnd | None:
    """Make the next run of a waiting consumer ready, unless one is under way; or say how the consumer ends.

    The caller holds the instance's lock, has seen that it runs, and pumps after
    its commit.
    """
    runs = Task.objects.filter(parent=consumer)
    if runs.active_items().exists():
        return None
    stream = stream_of(consumer)
    # What a failure or a pause left behind comes before what is new.
    held = runs.held_back().order_by("item_index").values_list("pk", flat=True).first()
    if held is not None:
        runs.held_back().filter(pk=held).update(ready_at=clock.database_now())
        return None
    done = runs.order_by("-item_index").values_list("item_index", flat=True).first() or 0
    is_stopped = failure_stops(Instance.objects.get(pk=consumer.instance_id))
    following = StreamBatch.objects.filter(task=stream, number=done + 1)
    if not is_stopped and following.exists():
        create_run(parent=consumer, stream=stream, number=done + 1)
        return None
    if is_stopped or stream.status in TASK_FINAL:
        return _end(consumer, stream, done, is_stopped)
    return None


@db.transaction_required
def open_waiting_consumers(instance_id: int) -> int:
    """Let the consumers that have what they need take batches at once, without being delivered first.

    For an instance that starts nothing new: what their streams handed on is
    still theirs. The caller holds the instance's lock.
    """
    ready = Task.objects.filter(
        instance_id=instance_id,
        gate=Gate.BATCHES,
        parent__isnull=True,
        status__in=[TaskState.PENDING, TaskState.QUEUED],
    ).satisfied()
    opened = 0
    for consumer in ready.order_by("pk"):
        reason = REASON.format(stream=consumer.spec["stream"])
        opened += len(
            Task.objects.filter(pk=consumer.pk).move(
                to=TaskState.WAITING,
                message=reason,
                data={"kind": str(WaitKind.BATCHES)},
                wait_kind=WaitKind.BATCHES,
                reason=reason,
                dispatch_id=None,
            )
        )
    return opened


def _end(consumer: Task, stream: Task, done: int, is_stopped: bool) -> ConsumerEnd:
    bad = Task.objects.filter(parent=consumer, satisfies=False)
    failed = bad.filter(status=TaskState.FAILED).order_by("item_index").first()
    if failed is not None:
        count = bad.filter(status=TaskState.FAILED).count()
        others = f" ({count} batches failed)" if count > 1 else ""
        message = f"{failed.name} failed{others}: {failed.error_message}"
        return ConsumerEnd(state=TaskState.FAILED, kind="batch_failed", message=message)
    if is_stopped:
        message = f"not continued after batch {done}: the instance stopped because of a failure"
        return ConsumerEnd(state=TaskState.SKIPPED, message=message)
    if (lacking := bad.order_by("item_index").first()) is not None:
        return ConsumerEnd(state=TaskState.SKIPPED, message=f"{lacking.name}: {lacking.reason}")
    if stream.satisfies:
        return ConsumerEnd(state=TaskState.COMPLETED, output={"batches": done})
    if stream.status == TaskState.CANCELLED:
        return ConsumerEnd(state=TaskState.CANCELLED, message=f"{stream.name} was told to end")
    message = f"{stream.name}, whose batches it takes, {stream.status} after batch {done}"
    return ConsumerEnd(state=TaskState.FAILED, kind="stream_failed", message=message)
