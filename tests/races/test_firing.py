"""Beats and sweeps that come at the same moment: each time is fired once."""

import multiprocessing
import threading
from collections import Counter

import pytest
from django.db import connections

from tasks_app.models import Instance, Schedule, ScheduleFire
from tasks_app.services.maintenance.firing import fire_due
from tests.races.firers import fire_together
from tests.support.schedules import a_schedule, make_due

pytestmark = pytest.mark.races
FIRERS = 4
ROUNDS = 8
SCHEDULES = [("one", "allow"), ("two", "queue"), ("three", "cancel_running"), ("four", "skip")]


def make_all_due(missed):
    for schedule in Schedule.objects.all():
        make_due(schedule, missed=missed)


def assert_each_time_was_fired_once():
    fired = ScheduleFire.objects.filter(outcome__in=["fired", "queued"])
    assert not fired.filter(instance__isnull=True).exists()
    assert Instance.objects.count() == fired.count()
    instances = Counter(fired.values_list("schedule_id", "fire_at"))
    assert set(instances.values()) == {1}


def test_processes_that_fire_together_fire_each_time_once(database_url: str, broker: object) -> None:
    for name, overlap in SCHEDULES:
        a_schedule("*/5 * * * * *", name=name, overlap=overlap, catchup="all")
    spawn = multiprocessing.get_context("spawn")
    together, quiet = spawn.Barrier(FIRERS + 1), spawn.Barrier(FIRERS + 1)
    connections.close_all()

    twins = [spawn.Process(target=fire_together, args=(ROUNDS, together, quiet)) for _ in range(FIRERS)]
    for twin in twins:
        twin.start()
    for number in range(ROUNDS):
        make_all_due(number % 3)
        together.wait(timeout=120)
        quiet.wait(timeout=120)
    for twin in twins:
        twin.join(timeout=60)

    assert [twin.exitcode for twin in twins] == [0] * FIRERS
    assert_each_time_was_fired_once()
    for name, _ in SCHEDULES:
        assert ScheduleFire.objects.filter(schedule__workflow__name=name).count() >= 3
    running = Instance.objects.filter(status="running")
    assert running.filter(workflow__name="two").count() == 1
    assert running.filter(workflow__name="three").count() == 1
    assert running.filter(workflow__name="four").count() == 1


def test_threads_that_ring_for_one_schedule_fire_it_once(transactional_db, broker):
    schedule = a_schedule()
    make_due(schedule)
    together, results = threading.Barrier(8), []

    def ring():
        try:
            together.wait(timeout=30)
            results.append(fire_due(schedule.pk))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(results) == [0] * 7 + [1]
    assert Instance.objects.count() == 1
