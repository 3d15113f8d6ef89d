"""Build Celery canvases and publish them.

Publishing comes after the commit and may fail without harm: the rows say what
is out, and the sweep publishes again what nobody claimed. So there are no
retries here, and a broker that hangs costs its short socket timeout.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

from celery import chain, chord, current_app
from celery.canvas import Signature

from tasks_app.canvas import names
from tasks_app.planning.engine.canvas_plan import Canvas, Dispatch

logger = logging.getLogger(__name__)
_OF_AMQP: Final = (9, 0)
_OF_OTHERS: Final = (0, 6)


def chords_are_possible() -> bool:
    """Return whether a result backend is there to count a chord's members."""
    return bool(current_app.conf.result_backend)


def build(dispatch: Dispatch) -> Signature:
    """Return the Celery canvas that carries a dispatch."""
    lines = [_line(line, dispatch) for line in dispatch.canvas.lines]
    if dispatch.canvas.body:
        return chord(lines, _line(dispatch.canvas.body, dispatch))
    return lines[0]


def publish(dispatches: Iterable[Dispatch]) -> bool:
    """Publish each dispatch; return whether all went out.

    Stops at the first failure: the broker is down or full, and what is left is
    the sweep's.
    """
    for dispatch in dispatches:
        try:
            build(dispatch).apply_async(retry=False)
        except Exception as error:
            logger.warning("publish_failed dispatch=%s error=%s", dispatch.id, type(error).__name__)
            return False
    return True


def publish_alone(
    task_id: int,
    dispatch_id: str,
    requirement: str = "",
    *,
    project: int | None = None,
    is_express: bool = False,
) -> bool:
    """Publish one task again, without followers, under the dispatch id it already has."""
    canvas = Canvas(lines=((task_id,),), requirement=requirement, project=project, is_express=is_express)
    return publish([Dispatch(id=dispatch_id, canvas=canvas)])


def ring_listener(listener: str, instance_id: int) -> bool:
    """Publish that a listener has something to hear of an instance; return whether it went out."""
    arguments: dict[str, Any] = {"listener": listener, "instance_id": instance_id}
    message = current_app.signature(names.DELIVER_EVENTS, kwargs=arguments, immutable=True)
    try:
        message.apply_async(queue=names.LISTENERS_QUEUE, retry=False, priority=_priority(is_express=False))
    except Exception as error:
        logger.warning("ring_failed listener=%s error=%s", listener, type(error).__name__)
        return False
    return True


def _line(task_ids: Sequence[int], dispatch: Dispatch) -> Signature:
    steps = [_step(task_id, dispatch) for task_id in task_ids]
    return steps[0] if len(steps) == 1 else chain(*steps)


def _step(task_id: int, dispatch: Dispatch) -> Signature:
    canvas = dispatch.canvas
    arguments: dict[str, Any] = {"task_id": task_id, "dispatch_id": dispatch.id}
    step = current_app.signature(names.RUN_TASK, kwargs=arguments, immutable=True)
    if canvas.requirement or canvas.project is not None:
        step = step.set(queue=names.queue_of(canvas.requirement, canvas.project))
    # A whole line is as urgent as its head: it takes one slot, and keeps it.
    return step.set(priority=_priority(is_express=canvas.is_express))


def _priority(*, is_express: bool) -> int:
    """Return a message's priority: with RabbitMQ larger numbers overtake, elsewhere smaller ones.

    RabbitMQ heeds it in queues that were made for priorities, and leaves it otherwise.
    Said of every message: what is published by name has no default of the settings.
    """
    broker = str(current_app.conf.broker_url or "")
    urgent, ordinary = _OF_AMQP if broker.startswith(("amqp", "pyamqp")) else _OF_OTHERS
    return urgent if is_express else ordinary
