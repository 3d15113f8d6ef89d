"""A process dies at any statement while tasks pass gates, wait and go on: a sweep repairs what it left."""

from typing import Any

import pytest
from django.db import connection

from tasks_app.models import Checkpoint, Instance
from tasks_app.services.approvals import approve
from tasks_app.services.definitions import upload_workflow
from tasks_app.states import INSTANCE_FINAL
from tests.support.builders import a_task, a_workflow
from tests.support.crashing import Statements
from tests.support.doorbell import Doorbell
from tests.support.driving import deliver, let_time_pass, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, state_of, task
from tests.support.fleet import StaffedFleet

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 40
STEP = 9
"""Every so many statements one run dies; the two databases share the offsets between them."""

ALSO_LIST: dict[str, Any] = {"for_each": ["a", "b", "c"], "max_parallel": 2}
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    "approval": [a_task("gate", also={"approval": {}}), a_task("after", needs=["gate"])],
    "items": [a_task("each", run="echo", it="{{ item }}", also=ALSO_LIST), a_task("after", needs=["each"])],
    "workflow": [{"name": "sub", "workflow": "inner"}, a_task("after", needs=["sub"])],
}


def drive(instance: Instance, doorbell: Doorbell, statements: Statements) -> None:
    """Deliver, answer and sweep until the instance has ended, dying once on the way."""
    for _ in range(ROUNDS):
        while messages := doorbell.take():
            for message in messages:
                with statements.counted():
                    deliver(message, doorbell)
        for checkpoint in Checkpoint.objects.filter(state="open"):
            with statements.counted():
                approve(given=checkpoint.instance.public_id, task=checkpoint.task.name, by="ann")
        instance.refresh_from_db()
        if instance.status in INSTANCE_FINAL:
            return
        let_time_pass()
        with statements.counted():
            sweep_now()
    raise AssertionError(f"{instance} did not end: {state_of(instance)}")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_instance_ends_wherever_a_process_dies(
    scenario: str, doorbell: Doorbell, fleet: StaffedFleet
) -> None:
    upload_workflow(source=a_workflow(a_task("one"), name="inner").encode())
    whole = Statements(None)
    drive(an_instance(*SCENARIOS[scenario], name=scenario), doorbell, whole)

    first = 1 if connection.vendor == "sqlite" else 5
    for crash_at in range(first, whole.sent + 1, STEP):
        doorbell.take()
        instance = an_instance(*SCENARIOS[scenario], name=scenario)

        drive(instance, doorbell, Statements(crash_at))

        assert instance.status == "completed", f"died at statement {crash_at}: {state_of(instance)}"
        assert task(instance, "after").status == "completed"
        assert_history_is_sound(instance)
        assert not Instance.objects.unfinished().exists()
