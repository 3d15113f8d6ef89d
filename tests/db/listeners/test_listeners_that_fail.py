"""Listeners that fail, and bells that are lost: what was not heard is told again, and hurts nobody else."""

import logging

import pytest

from tasks_app.canvas import publish
from tasks_app.services.listeners.deliveries import take_delivery
from tasks_app.services.listeners.operations import list_listeners, retry_listener
from tasks_app.services.listeners.outbox_sweep import ring_undelivered
from tests.support import listeners_for_tests
from tests.support.builders import a_chain, a_task
from tests.support.driving import complete, drive_to_end
from tests.support.engine import an_instance, task
from tests.support.listening import PATH, FailsAtFirst, age, deliver, delivery_of
from workers_app.listeners.deliver import deliver_events

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("doorbell", "fleet"),
]


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
    assert (listed.parked, listed.last_error) == (1, "RuntimeError: as asked")
    assert ring_undelivered() == 0

    assert retry_listener(name="in-memory") == 1

    deliver(instance)
    assert hearer.told == ["workflow.started"]
    assert list_listeners()[0].parked == 0


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
