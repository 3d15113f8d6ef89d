"""Bare Celery: the same shapes as canvases of tasks that do nothing, without any record of them.

The application has CPDS's own Celery settings and its worker step, on the same broker, and leaves
out only the record. Canvases are nested, as one writes them by hand: a whole shape is one message.
The layers cannot be said that way, since a canvas knows no task with two followers: there every
layer is one flat chord whose body publishes the next, so a layer waits for all of the one before.
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery, chain, chord  # noqa: TID251  the thing to be compared with
from celery.canvas import Signature
from celery.signals import worker_ready

from tests.benchmarks import shapes

ENDED = "benchmark-ended"
"""The list in the broker to which the last task of every canvas adds an element."""

app = Celery("bare", set_as_current=False)
app.config_from_object("config.settings.base", namespace="CELERY")
app.conf.update(
    broker_url=os.environ.get("CPDS_BROKER_URL"),
    result_backend=os.environ.get("CPDS_BROKER_URL"),
    task_default_queue="bare",
    task_queues=None,
    task_routes=None,
    beat_schedule={},
)
app.steps["worker"].add("workers_app.celery.poll_wakeup:WakeOnFreeSlot")


@app.task(name="bare.noop")
def noop() -> None:
    """Do nothing."""


@app.task(name="bare.end")
def end() -> None:
    """Do nothing, and say that the canvas has ended."""
    app.backend.client.rpush(ENDED, 1)


@app.task(name="bare.next_layer")
def next_layer(left: int) -> None:
    """Publish a layer as one flat chord; after the last, say that all have ended."""
    if left:
        chord([noop.si()] * shapes.LAYER_WIDTH, next_layer.si(left - 1)).apply_async()
    else:
        end()


def canvases(shape: str) -> list[Signature]:
    """Return the canvases of a shape, to be published at once; each ends once."""
    match shape:
        case "chain":
            return [chain(*[noop.si() for _ in range(shapes.CHAIN_LENGTH - 1)], end.si())]
        case "fan":
            return [chain(noop.si(), chord([noop.si() for _ in range(shapes.FAN_WIDTH)], end.si()))]
        case "layers":
            return [chord([noop.si()] * shapes.LAYER_WIDTH, next_layer.si(shapes.LAYERS - 1))]
        case "diamonds":
            return [_diamond() for _ in range(shapes.DIAMONDS)]
        case _:
            return [_diamond() for _ in range(shapes.WARM_UP.steps // 4)]


def _diamond() -> Signature:
    return chain(noop.si(), chord([noop.si(), noop.si()], end.si()))


@worker_ready.connect
def say_ready(**_facts: Any) -> None:
    """Write the ready file, as CPDS's workers do."""
    if ready_file := os.environ.get("CPDS_READY_FILE"):
        Path(ready_file).write_text(str(os.getpid()), encoding="ascii")
