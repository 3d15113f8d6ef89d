"""What listeners hear: what they asked for, in order, and nothing twice when all goes well."""

from contextlib import suppress

import pytest

from cpds.base import clock, db
from tasks_app.models import Event, Instance, Listener
from tasks_app.outcomes import Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance
from tasks_app.services.listeners.outbox_sweep import ring_undelivered
from tests.support.builders import a_chain, a_task
from tests.support.driving import LONG_AGO, claim, complete, drive_to_end, fail
from tests.support.engine import an_instance, task
from tests.support.listening import deliver
from workers_app.listeners.deliver import deliver_events

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("doorbell", "fleet"),
]


def test_a_listener_hears_an_instance_from_start_to_end(listen, doorbell):
    hearer = listen()
    instance = an_instance(*a_chain(2))
    drive_to_end(instance, doorbell)

    deliver(instance)

    assert hearer.told == [
        "workflow.started",
        *("task.started link-0", "task.success link-0", "task.started link-1", "task.success link-1"),
        "workflow.completed",
    ]
    last = hearer.heard[-1]
    assert (last.kind, last.status, last.instance_id) == (
        "instance.completed",
        "completed",
        instance.public_id,
    )


def test_it_hears_nothing_twice_when_all_goes_well(listen, doorbell):
    hearer = listen()
    instance = an_instance(a_task("only"))
    deliver(instance)
    drive_to_end(instance, doorbell)
    deliver(instance)
    deliver(instance)

    ids = [each.event_id for each in hearer.heard]
    assert ids == sorted(set(ids))
    assert hearer.told[-1] == "workflow.completed"


def test_it_hears_only_what_it_asked_for(listen, doorbell, bells):
    hearer = listen(events=["workflow.completed", "instance.paused"])
    instance = an_instance(*a_chain(2))
    drive_to_end(instance, doorbell)
    deliver(instance)

    assert hearer.told == ["workflow.completed"]
    assert bells == [("in-memory", instance.pk)]


def test_failures_timeouts_and_retries_have_names_of_their_own(listen):
    hearer = listen(events=["task.failed", "task.timeout", "task.retrying", "workflow.failed"])
    instance = an_instance(
        a_task("shaky", also={"retry": {"count": 1, "interval": 60}}),
        a_task("slow"),
        on_failure="continue",
    )
    report_outcome(
        claim=claim(task(instance, "shaky")), outcome=Failed(kind="exception", message="no", retryable=True)
    )
    report_outcome(claim=claim(task(instance, "slow")), outcome=Failed(kind="timeout", message="too long"))

    deliver(instance)

    assert hearer.told == ["task.retrying shaky", "task.timeout slow"]
    assert hearer.heard[0].message == "no"


def test_pause_resume_and_cancel_are_heard(listen):
    hearer = listen()
    instance = an_instance(a_task("only"))
    pause_instance(given=instance.public_id, by="ann", reason="lunch")
    resume_instance(given=instance.public_id, by="ann")
    cancel_instance(given=instance.public_id, by="ann")

    deliver(instance)

    assert hearer.told == ["workflow.started", "workflow.paused", "workflow.resumed", "workflow.terminated"]
    assert (hearer.heard[1].message, hearer.heard[1].data["by"]) == ("lunch", "ann")


def test_nobody_is_rung_for_before_the_commit(listen, bells):
    listen()
    instance = an_instance(a_task("only"))
    bells.clear()

    with suppress(RuntimeError), db.transaction():
        Event.objects.create(instance=instance, kind="instance.failed")
        raise RuntimeError

    assert bells == []


def test_without_listeners_nothing_is_rung_or_stored(bells, doorbell):
    instance = an_instance(a_task("only"))
    drive_to_end(instance, doorbell)

    assert bells == []
    assert ring_undelivered() == 0
    assert not Listener.objects.exists()


def test_each_commit_of_a_task_rings(listen, bells):
    listen(events=["task.started", "task.success"])
    instance = an_instance(a_task("only"))
    bells.clear()

    complete(task(instance, "only"))

    assert bells == [("in-memory", instance.pk)] * 2


def test_a_new_listener_is_spared_what_happened_long_ago(listen):
    old = an_instance(a_task("only"))
    Event.objects.update(happened_at=clock.database_now_plus(LONG_AGO))
    hearer = listen()
    cancel_instance(given=old.public_id)

    ring_undelivered()
    deliver(old)

    assert hearer.told == ["workflow.terminated"]


def test_an_instance_that_was_deleted_is_nobody_s_trouble(listen):
    hearer = listen()
    instance = an_instance(a_task("only"))
    key = instance.pk
    ring_undelivered()
    Instance.objects.filter(pk=key).delete()

    assert deliver_events(listener="in-memory", instance_id=key) == 0
    assert ring_undelivered() == 0
    assert hearer.heard == []


def test_a_failed_instance_is_heard_of(listen, doorbell):
    hearer = listen(events=["workflow.failed"])
    instance = an_instance(a_task("only"))
    fail(task(instance, "only"))
    drive_to_end(instance, doorbell)

    deliver(instance)

    assert hearer.told == ["workflow.failed"]
    assert "as asked" in hearer.heard[0].message
