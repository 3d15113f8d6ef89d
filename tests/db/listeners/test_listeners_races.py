"""Workers that meet at one delivery: one makes it, and no event is skipped or told twice."""

import threading

import pytest
from django.db import connection

from cpds.base import db
from tasks_app.models import Event
from tasks_app.services.listeners.deliveries import note_delivered, take_delivery
from tasks_app.services.listeners.outbox_sweep import ring_undelivered
from tests.support.builders import a_task
from tests.support.driving import claim
from tests.support.engine import an_instance, task
from tests.support.listening import age, deliver, delivery_of
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("doorbell", "fleet"),
]


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
