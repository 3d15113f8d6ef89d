"""Items: the tasks that a ``for_each`` makes of its list, and how many of them are under way."""

from collections.abc import Sequence
from typing import Final

from cpds.base import clock, db
from tasks_app.models import Task
from tasks_app.outcomes import JSON
from tasks_app.planning.values.stored_spec import StoredBatch, StoredSpec, item_spec, run_spec
from tasks_app.states import TASK_UNFINISHED, Gate

BATCH: Final = 1000
_STAGES_PER_LIST: Final = 20_000


@db.transaction_required
def create_items(*, parent: Task, items: Sequence[JSON]) -> None:
    """Insert one task for each item; none of them starts before ``start_more_items``.

    What the list's task says of attempts (retry, timeout, priority, requirements,
    ``allow_failure``) holds for each item.
    """
    Task.objects.bulk_create(
        [
            _item(parent, index, item_spec(parent=parent.spec, index=index, item=item))
            for index, item in enumerate(items)
        ],
        batch_size=BATCH,
    )


@db.transaction_required
def create_run(*, parent: Task, stream: Task, number: int) -> None:
    """Insert the run of a stream's dependant for one batch, ready to start.

    The caller pumps after its commit.
    """
    batch: StoredBatch = {"stream": stream.name, "stream_id": stream.pk, "number": number}
    run = _item(parent, number, run_spec(parent=parent.spec, batch=batch))
    run.ready_at = clock.database_now()
    run.save(force_insert=True)


@db.transaction_required
def start_more_items(parent: Task) -> int:
    """Make as many items ready as ``max_parallel`` has places for; return how many.

    The caller holds the instance's lock and pumps after its commit.
    """
    siblings = Task.objects.filter(parent=parent)
    held = siblings.held_back()
    places = _places(parent)
    if places is not None:
        if places <= 0:
            return 0
        keys = list(held.order_by("item_index").values_list("pk", flat=True)[:places])
        held = siblings.held_back().filter(pk__in=keys)
    return int(held.update(ready_at=clock.database_now()))


def has_places(parent: Task) -> bool:
    """Return whether more items of a list may be under way than are."""
    places = _places(parent)
    return places is None or places > 0


def _places(parent: Task) -> int | None:
    limit = parent.spec.get("max_parallel")
    return None if limit is None else limit - Task.objects.filter(parent=parent).active_items().count()


def is_waited_for(parent_id: int) -> bool:
    """Return whether a list has to look at an item's end: it was the last, or others are held back."""
    siblings = Task.objects.filter(parent_id=parent_id)
    return siblings.held_back().exists() or not siblings.filter(status__in=sorted(TASK_UNFINISHED)).exists()


def _item(parent: Task, index: int, spec: StoredSpec) -> Task:
    return Task(
        project_id=parent.project_id,
        instance_id=parent.instance_id,
        parent=parent,
        item_index=index,
        name=f"{parent.name}[{index}]",
        position=parent.position,
        description=parent.description,
        executor=parent.executor,
        spec=spec,
        priority=parent.priority,
        requires=parent.requires,
        requirement=parent.requirement,
        tags=parent.tags,
        timeout_seconds=parent.timeout_seconds,
        allow_failure=parent.allow_failure,
        gate=next(iter(spec.get("gates", [])), Gate.OPEN),
        # A line of its own, beyond the numbers of the instance's graph: no canvas takes it along.
        stage=(parent.position + 1) * _STAGES_PER_LIST + index % _STAGES_PER_LIST,
        stage_position=0,
        fan_in=0,
        fan_out=0,
        rank=parent.rank,
    )
