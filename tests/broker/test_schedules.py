"""Schedules on real processes: two beats and two workers fire each time once."""

from itertools import pairwise

import pytest
from django_celery_beat.models import PeriodicTask

from tasks_app.models import Instance, ScheduleFire
from tasks_app.services.schedules.control import pause_schedule
from tests.support.engine import assert_history_is_sound, wait_for_end
from tests.support.processes import QUICK
from tests.support.schedules import a_schedule, make_due, started
from tests.support.waiting import stays_true, wait_until

pytestmark = pytest.mark.broker


def test_two_beats_and_two_workers_fire_each_time_once(celery_worker_process, celery_beat_process):
    schedule = a_schedule("*/2 * * * * *", overlap="allow", catchup="all")
    for name in ("w1", "w2"):
        celery_worker_process(name=name, env=QUICK)
    beats = [celery_beat_process(name=name, env=QUICK) for name in ("beat1", "beat2")]
    wait_until(lambda: len(started(schedule)) >= 2, timeout=30)

    beats[0].kill()
    beats[0].start()
    before = len(started(schedule))
    wait_until(lambda: len(started(schedule)) >= before + 2, timeout=30)
    pause_schedule(given="a-workflow")

    instances = [wait_for_end(instance) for instance in started(schedule)]
    times = list(ScheduleFire.objects.order_by("fire_at").values_list("fire_at", flat=True))
    assert len(instances) == len(times) == len(set(times))
    gaps = {(later - sooner).total_seconds() for sooner, later in pairwise(times)}
    assert gaps == {2.0}, "a time was left out"
    for instance in instances:
        assert instance.status == "completed"
        assert_history_is_sound(instance)


def test_without_beat_a_worker_fires_what_is_due(celery_worker_process):
    schedule = a_schedule()
    make_due(schedule)

    celery_worker_process(env=QUICK)

    wait_until(lambda: started(schedule), timeout=20)
    assert wait_for_end(started(schedule)[0]).status == "completed"
    assert Instance.objects.count() == 1


def test_beat_rings_for_a_schedule_like_for_any_periodic_task(shared_worker, celery_beat_process):
    schedule = a_schedule()
    # As beat sees it, the last ring was long ago.
    PeriodicTask.objects.filter(pk=schedule.periodic_task_id).update(last_run_at="2026-01-01T00:00:00Z")
    shared_worker(env=QUICK)
    beat = celery_beat_process(env=QUICK)

    wait_until(lambda: "Sending due task a-workflow" in beat.log_tail(), timeout=20)


def test_a_schedule_paused_in_the_admin_starts_nothing(shared_worker, celery_beat_process):
    schedule, other = a_schedule(), a_schedule(name="other")
    make_due(schedule)
    make_due(other)
    task = PeriodicTask.objects.get(pk=schedule.periodic_task_id)
    task.enabled = False
    task.save()
    shared_worker(env=QUICK)
    celery_beat_process(env=QUICK)

    wait_until(lambda: started(other), timeout=20)
    assert stays_true(lambda: not started(schedule), seconds=1)
