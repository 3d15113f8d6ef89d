"""What listeners hear: everything they asked for, in order, at least once, whatever goes wrong."""

import logging
import threading
from contextlib import suppress

import pytest
from django.db import connection

from cpds.base import clock, db
from tasks_app.canvas import publish
from tasks_app.models import Delivery, Event, Instance, Listener
from tasks_app.outcomes import Failed
from tasks_app.services import news
from tasks_app.services.control import cancel_instance, pause_instance, resume_instance
from tasks_app.services.deliveries import note_delivered, take_delivery
from tasks_app.services.listeners import list_listeners, retry_listener
from tasks_app.services.reports import report_outcome
from tasks_app.services.undelivered import ring_undelivered
from tests.support import listeners_for_tests
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim, complete, drive_to_end, fail
from tests.support.engine import an_instance, task
from tests.support.listeners_for_tests import InMemory
from tests.support.waiting import wait_until
from workers_app.services.deliver import deliver_events

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("doorbell", "fleet"),
]
PATH = "tests.support.listeners_for_tests"
LONG_AGO = -3600


@pytest.fixture
def bells(monkeypatch):
    """What was rung for, instead of a broker."""
    rung = []
    monkeypatch.setattr(publish, "ring_listener", lambda *bell: rung.append(bell) or True)
    monkeypatch.setattr(news, "_quiet_until", float("-inf"))
    return rung


@pytest.fixture
def listen(settings, monkeypatch, bells):
    def listening(**entry):
        hearer = InMemory()
        monkeypatch.setattr(listeners_for_tests, "in_memory", hearer)
        settings.CPDS = {**settings.CPDS, "listeners": [{"listener": f"{PATH}.in_memory", **entry}]}
        return hearer

    return listening


def deliver(instance):
    return deliver_events(listener="in-memory", instance_id=instance.pk)


def delivery_of(instance):
    return Delivery.objects.get(instance=instance)


def age(instance):
    """Let the waits and leases of the instance's deliveries be over."""
    past = clock.database_now_plus(LONG_AGO)
    Delivery.objects.filter(instance=instance, wake_at__isnull=False).update(wake_at=past)
    Delivery.objects.filter(instance=instance, lease_expires_at__isnull=False).update(lease_expires_at=past)
    Delivery.objects.filter(instance=instance, rung_at__isnull=False).update(rung_at=past)


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


def test_a_listener_that_fails_is_left_alone_for_a_while_and_told_again(listen):
    hearer = listen(events=["workflow.started", "task.started"])
    instance = an_instance(a_task("only"))
    hearer.act = failing = FailsAtFirst(1)

    deliver(instance)
    complete(task(instance, "only"))
    deliver(instance)
    assert (hearer.told, failing.calls) == ([], 1)
    row = delivery_of(instance)
    assert (row.failures, row.is_parked, row.last_error) == (1, False, "RuntimeError: as asked")

    age(instance)
    deliver(instance)
    assert hearer.told == ["workflow.started", "task.started only"]
    assert (delivery_of(instance).failures, delivery_of(instance).last_error) == (0, "")


def test_a_listener_that_fails_does_not_hurt_the_instance(listen, doorbell):
    hearer = listen()
    hearer.act = FailsAtFirst(1000)
    instance = an_instance(*a_chain(2))
    deliver(instance)

    assert drive_to_end(instance, doorbell).status == "completed"


def test_after_many_failures_it_waits_for_an_operator(listen, settings):
    hearer = listen(events=["workflow.started"])
    settings.CPDS = {**settings.CPDS, "listener_attempts": 3}
    hearer.act = FailsAtFirst(3)
    instance = an_instance(a_task("only"))
    for _ in range(5):
        deliver(instance)
        age(instance)
    (listed,) = list_listeners()
    assert (listed["parked"], listed["last_error"]) == (1, "RuntimeError: as asked")
    assert ring_undelivered() == 0

    assert retry_listener(name="in-memory") == 1

    deliver(instance)
    assert hearer.told == ["workflow.started"]
    assert list_listeners()[0]["parked"] == 0


def test_one_instance_that_cannot_be_told_of_does_not_hold_back_another(listen):
    hearer = listen(events=["workflow.started"])
    first, second = an_instance(a_task("only"), name="first"), an_instance(a_task("only"), name="second")

    def refuse_the_first(event):
        if event.workflow == "first":
            raise RuntimeError

    hearer.act = refuse_the_first
    deliver(first)
    deliver(second)

    assert [each.workflow for each in hearer.heard] == ["second"]


def test_the_sweep_rings_for_what_was_lost(listen, bells, doorbell):
    hearer = listen()
    instance = an_instance(a_task("only"))
    drive_to_end(instance, doorbell)
    bells.clear()

    assert ring_undelivered() == 1
    assert bells == [("in-memory", instance.pk)]
    deliver(instance)

    assert hearer.told[-1] == "workflow.completed"
    assert ring_undelivered() == 0


def test_the_sweep_does_not_ring_again_at_once_for_what_waits_in_the_queue(listen, bells):
    listen()
    instance = an_instance(a_task("only"))
    assert ring_undelivered() == 1

    assert ring_undelivered() == 0
    age(instance)
    assert ring_undelivered() == 1


def test_the_sweep_rings_for_what_a_dead_worker_was_at(listen, bells):
    hearer = listen(events=["workflow.started"])
    instance = an_instance(a_task("only"))
    taken = take_delivery(listener="in-memory", instance_id=instance.pk)
    assert taken is not None
    assert ring_undelivered() == 0

    age(instance)

    assert ring_undelivered() == 1
    deliver(instance)
    assert hearer.told == ["workflow.started"]


def test_a_delivery_is_made_by_one_worker_at_a_time(listen):
    hearer = listen()
    instance = an_instance(a_task("only"))
    taken = take_delivery(listener="in-memory", instance_id=instance.pk)

    assert take_delivery(listener="in-memory", instance_id=instance.pk) is None
    assert deliver(instance) == 0
    assert taken is not None
    assert hearer.heard == []


def test_who_lost_the_lease_moves_no_cursor(listen):
    from tasks_app.errors import StaleDelivery

    listen()
    instance = an_instance(a_task("only"))
    late = take_delivery(listener="in-memory", instance_id=instance.pk)
    age(instance)
    assert take_delivery(listener="in-memory", instance_id=instance.pk) is not None

    assert late is not None
    with pytest.raises(StaleDelivery):
        note_delivered(taken=late, event_id=10**9)
    assert delivery_of(instance).delivered_event_id < 10**9


def test_a_bell_that_rang_during_a_delivery_is_not_lost(listen):
    hearer = listen(events=["workflow.started", "task.started"])
    instance = an_instance(a_task("only"))

    def meanwhile(event):
        if event.event == "workflow.started":
            claim(task(instance, "only"))
            assert deliver(instance) == 0

    hearer.act = meanwhile
    deliver(instance)

    assert hearer.told == ["workflow.started", "task.started only"]


def test_a_hanging_listener_takes_no_more_than_its_share_of_slots(listen, settings, bells):
    listen(events=["workflow.started"])
    settings.CPDS = {**settings.CPDS, "listener_parallel": 1}
    first, second = an_instance(a_task("only")), an_instance(a_task("only"))
    assert take_delivery(listener="in-memory", instance_id=first.pk) is not None
    bells.clear()

    assert deliver(second) == 0
    assert bells == []
    age(first)
    deliver(first)

    assert bells == [("in-memory", second.pk)]


def test_a_new_listener_is_spared_what_happened_long_ago(listen):
    old = an_instance(a_task("only"))
    Event.objects.update(happened_at=clock.database_now_plus(LONG_AGO))
    hearer = listen()
    cancel_instance(given=old.public_id)

    ring_undelivered()
    deliver(old)

    assert hearer.told == ["workflow.terminated"]


def test_the_delivery_id_is_the_same_at_every_try(listen):
    hearer = listen(events=["workflow.started"])
    tried = []

    def act(event):
        tried.append(event.delivery_id)
        if len(tried) == 1:
            raise RuntimeError

    hearer.act = act
    instance = an_instance(a_task("only"))
    deliver(instance)
    age(instance)
    deliver(instance)

    assert len(tried) == 2
    assert len(set(tried)) == 1


def test_a_secret_in_an_error_is_neither_stored_nor_logged(settings, bells, caplog):
    settings.CPDS = {**settings.CPDS, "listeners": [f"{PATH}.Careless"]}
    instance = an_instance(a_task("only"))

    with caplog.at_level(logging.DEBUG):
        deliver_events(listener="careless", instance_id=instance.pk)

    secret = listeners_for_tests.Careless.secrets[0]
    assert delivery_of(instance).last_error == "RuntimeError: cannot log in with [redacted]"
    assert "delivery_failed" in caplog.text
    assert secret not in caplog.text


def test_a_broker_that_is_away_is_not_rung_at_for_each_event(settings, monkeypatch, listen):
    listen()
    tries = []
    monkeypatch.setattr(publish, "ring_listener", lambda *bell: tries.append(bell) and False)

    instance = an_instance(*a_chain(3))
    for row in ("link-0", "link-1"):
        complete(task(instance, row))

    assert len(tries) == 1


def test_an_instance_that_was_deleted_is_nobody_s_trouble(listen):
    hearer = listen()
    instance = an_instance(a_task("only"))
    key = instance.pk
    ring_undelivered()
    Instance.objects.filter(pk=key).delete()

    assert deliver_events(listener="in-memory", instance_id=key) == 0
    assert ring_undelivered() == 0
    assert hearer.heard == []


def test_an_event_that_is_committed_late_is_neither_skipped_nor_late(listen):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    hearer = listen(events=["task.log", "workflow.paused"])
    instance = an_instance(a_task("only"))
    written, go_on = threading.Event(), threading.Event()

    def write_slowly():
        try:
            with db.transaction():
                Event.objects.create(instance=instance, kind="task.log", message="first")
                written.set()
                go_on.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert written.wait(10)
    Event.objects.create(instance=instance, kind="instance.paused", message="second")

    deliver(instance)
    assert hearer.heard == []

    go_on.set()
    thread.join(10)
    age(instance)
    assert ring_undelivered() == 1
    deliver(instance)
    assert [each.message for each in hearer.heard] == ["first", "second"]


def test_events_of_many_writers_are_all_heard_once_and_in_order(listen):
    hearer = listen(events=["task.log"])
    instance = an_instance(a_task("only"))
    writers, each_writes = 6, 25

    def write():
        try:
            for _ in range(each_writes):
                Event.objects.create(instance=instance, kind="task.log")
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()

    def heard_all():
        age(instance)
        deliver(instance)
        return len(hearer.heard) >= writers * each_writes

    wait_until(heard_all, timeout=60)
    for thread in threads:
        thread.join()
    ids = [each.event_id for each in hearer.heard]
    assert ids == sorted(set(ids))
    assert len(ids) == writers * each_writes


@pytest.mark.races
def test_workers_that_are_all_rung_for_one_instance_tell_nothing_twice(listen):
    hearer = listen(events=["task.log"])
    instance = an_instance(a_task("only"))
    stop, number = threading.Event(), 150

    def keep_delivering():
        try:
            while not stop.is_set():
                deliver(instance)
        finally:
            connection.close()

    threads = [threading.Thread(target=keep_delivering) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(number):
            Event.objects.create(instance=instance, kind="task.log")
        wait_until(lambda: len(hearer.heard) >= number, timeout=60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    ids = [each.event_id for each in hearer.heard]
    assert ids == sorted(set(ids))
    assert len(ids) == number


def test_a_failed_instance_is_heard_of(listen, doorbell):
    hearer = listen(events=["workflow.failed"])
    instance = an_instance(a_task("only"))
    fail(task(instance, "only"))
    drive_to_end(instance, doorbell)

    deliver(instance)

    assert hearer.told == ["workflow.failed"]
    assert "as asked" in hearer.heard[0].message


class FailsAtFirst:
    """Raises the first ``times`` times."""

    def __init__(self, times):
        self.times = times
        self.calls = 0

    def __call__(self, _event):
        self.calls += 1
        if self.calls <= self.times:
            raise RuntimeError("as asked")
