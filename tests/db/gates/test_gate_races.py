"""Ends that come together: the last items of a list, a child and its parent's cancellation."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from django.db import connection, connections

from tasks_app.errors import IllegalMove, StaleDispatch
from tasks_app.models import Event, Instance, Task
from tasks_app.outcomes import Completed
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.doorbell import Doorbell
from tests.support.driving import claim, deliver
from tests.support.engine import an_instance, task
from tests.support.fleet import StaffedFleet

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 50


@pytest.fixture(autouse=True)
def _engine(doorbell: Doorbell, fleet: StaffedFleet) -> None:
    """Give every test an engine without a broker."""
    if connection.vendor != "postgresql":
        pytest.skip("one writer at a time leaves nothing to race for")


def at_once(*acts: Callable[[], object]) -> None:
    """Do these in threads of their own, as nearly together as can be."""
    together = threading.Barrier(len(acts))
    raised: list[Exception] = []

    def do(act: Callable[[], object]) -> None:
        together.wait()
        try:
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not raised


def open_gate(doorbell: Doorbell) -> None:
    for message in doorbell.take():
        deliver(message, doorbell)


def test_a_list_ends_once_when_its_last_items_end_together(doorbell: Doorbell) -> None:
    for _ in range(TIMES):
        instance = an_instance(a_task("each", also={"for_each": [1, 2]}), name="together")
        open_gate(doorbell)
        held = [claim(task(instance, f"each[{index}]")) for index in (0, 1)]

        at_once(*(partial(_report, each) for each in held))

        instance.refresh_from_db()
        assert instance.status == "completed"
        assert task(instance, "each").output == ["each[0]", "each[1]"]
        ended = Event.objects.filter(task=task(instance, "each"), kind="task.completed")
        assert ended.count() == 1
        doorbell.take()


def test_a_child_may_end_while_its_parent_is_cancelled(doorbell: Doorbell) -> None:
    upload_workflow(source=a_workflow(a_task("one"), name="inner").encode())
    for _ in range(TIMES):
        instance = an_instance({"name": "sub", "workflow": "inner"}, name="outer")
        open_gate(doorbell)
        child = Instance.objects.get(parent_task=task(instance, "sub"))
        held = claim(task(child, "one"))

        at_once(
            partial(_report, held),
            partial(_cancel, instance),
        )

        instance.refresh_from_db()
        child.refresh_from_db()
        assert (instance.status, child.status) in {
            ("completed", "completed"),
            ("cancelled", "completed"),
            ("cancelled", "cancelled"),
        }
        assert not Task.objects.filter(status__in=["running", "waiting", "queued"]).exists()
        doorbell.take()


def _report(held: Claim) -> None:
    with suppress(StaleDispatch):
        report_outcome(claim=held, outcome=Completed(output=held.name))


def _cancel(instance: Instance) -> None:
    with suppress(IllegalMove):
        cancel_instance(given=instance.public_id, by="ann")
