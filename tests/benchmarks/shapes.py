"""The graphs that are measured, as tasks of a workflow."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.builders import Task, a_chain, a_fan, diamonds, layers

CHAIN_LENGTH = 100
FAN_WIDTH = 200
LAYERS, LAYER_WIDTH = 10, 20
DIAMONDS = 200


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One graph of tasks that do nothing."""

    key: str
    title: str
    steps: int
    tasks: Callable[[], list[Task]]


SHAPES = {
    shape.key: shape
    for shape in (
        Shape(
            key="chain",
            title=f"chain of {CHAIN_LENGTH}",
            steps=CHAIN_LENGTH,
            tasks=lambda: a_chain(CHAIN_LENGTH),
        ),
        Shape(
            key="fan",
            title=f"fan 1 → {FAN_WIDTH} → 1",
            steps=FAN_WIDTH + 2,
            tasks=lambda: a_fan(FAN_WIDTH),
        ),
        Shape(
            key="layers",
            title=f"{LAYERS} layers × {LAYER_WIDTH}, 2 needs each",
            steps=LAYERS * LAYER_WIDTH,
            tasks=lambda: layers(LAYERS, LAYER_WIDTH, seed=1),
        ),
        Shape(
            key="diamonds",
            title=f"{DIAMONDS} diamonds at once",
            steps=DIAMONDS * 4,
            tasks=lambda: diamonds(DIAMONDS),
        ),
    )
}
WARM_UP = Shape(key="warm-up", title="warm-up", steps=40, tasks=lambda: diamonds(10))
EVERY_SHAPE = {**SHAPES, WARM_UP.key: WARM_UP}
