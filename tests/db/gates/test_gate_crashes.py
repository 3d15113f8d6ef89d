"""A process dies at any point while tasks pass gates, wait and go on: a sweep repairs what it left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from tasks_app.models import Checkpoint, Instance
from tasks_app.services.gates.approvals import approve
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import INSTANCE_FINAL
from tests.support.builders import a_task, a_workflow
from tests.support.crashing import crash_at
from tests.support.doorbell import Doorbell
from tests.support.driving import deliver, let_time_pass, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, state_of, task
from tests.support.fleet import StaffedFleet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 40
STEP = 3
"""Every so many points one run dies; the two databases share the offsets between them."""
NEVER = 10**6

ALSO_LIST: dict[str, Any] = {"for_each": ["a", "b", "c"], "max_parallel": 2}
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    "approval": [a_task("gate", also={"approval": {}}), a_task("after", needs=["gate"])],
    "items": [a_task("each", run="echo", it="{{ item }}", also=ALSO_LIST), a_task("after", needs=["each"])],
    "workflow": [{"name": "sub", "workflow": "inner"}, a_task("after", needs=["sub"])],
}


class Life:
    """A process that dies at a point of its life, and is followed by one that does not."""

    def __init__(self, doorbell: Doorbell, *, dies_at: int = NEVER) -> None:
        self.doorbell = doorbell
        self.left = dies_at

    @contextmanager
    def goes_on(self) -> Iterator[None]:
        """Live through the block, or die in it."""
        with crash_at(self.left, self.doorbell) as fuse:
            yield
        self.left = fuse.left

    @property
    def points(self) -> int:
        """How many points of one that was to live for ever have passed."""
        return NEVER - self.left


def drive(instance: Instance, doorbell: Doorbell, life: Life) -> None:
    """Deliver, answer and sweep until the instance has ended, dying once on the way."""
    for _ in range(ROUNDS):
        while messages := doorbell.take():
            for message in messages:
                with life.goes_on():
                    deliver(message, doorbell)
        for checkpoint in Checkpoint.objects.filter(state="open"):
            with life.goes_on():
                approve(given=checkpoint.instance.public_id, task=checkpoint.task.name, by="ann")
        instance.refresh_from_db()
        if instance.status in INSTANCE_FINAL:
            return
        let_time_pass()
        with life.goes_on():
            sweep_now()
    raise AssertionError(f"{instance} did not end: {state_of(instance)}")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_instance_ends_wherever_a_process_dies(
    scenario: str, doorbell: Doorbell, fleet: StaffedFleet
) -> None:
    upload_workflow(source=a_workflow(a_task("one"), name="inner").encode())
    whole = Life(doorbell)
    drive(an_instance(*SCENARIOS[scenario], name=scenario), doorbell, whole)

    first = 1 if connection.vendor == "sqlite" else 2
    for point in range(first, whole.points + 1, STEP):
        doorbell.take()
        instance = an_instance(*SCENARIOS[scenario], name=scenario)

        drive(instance, doorbell, Life(doorbell, dies_at=point))

        assert instance.status == "completed", f"died at point {point}: {state_of(instance)}"
        assert task(instance, "after").status == "completed"
        assert_history_is_sound(instance)
        assert not Instance.objects.unfinished().exists()
