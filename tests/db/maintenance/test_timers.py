"""Waits between attempts end in time, and not only when a sweep passes."""

import pytest

from cpds.base import clock
from tasks_app.models import Instance, Task
from tasks_app.outcomes import Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.lookup import alarm
from tasks_app.services.maintenance.timers import SHORTEST_REST, wake_in_time
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_task
from tests.support.driving import claim
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
RETRY = {"retry": {"count": 3, "interval": 60, "jitter": False}}


@pytest.fixture
def waiting(doorbell):
    """A task that failed and waits for a minute."""
    instance = an_instance(a_task("only", also=RETRY))
    fail_for_now(instance)
    doorbell.take()
    return task(instance, "only")


def fail_for_now(instance):
    outcome = Failed(kind="exception", message="as asked", retryable=True)
    report_outcome(claim=claim(task(instance, "only")), outcome=outcome)


def is_due(row):
    Task.objects.filter(pk=row.pk).update(wake_at=clock.database_now_plus(-1))


def test_what_is_due_is_woken_and_published(waiting, doorbell):
    is_due(waiting)

    assert wake_in_time(within=2) == 2

    waiting.refresh_from_db()
    assert waiting.status == TaskState.QUEUED
    assert [message.task_id for message in doorbell.messages] == [waiting.pk]


def test_it_says_when_the_next_wait_ends(waiting):
    assert 50 < wake_in_time(within=3600) <= 60
    assert waiting.status == TaskState.WAITING


def test_it_rests_no_longer_than_asked(waiting):
    assert wake_in_time(within=2) == 2


def test_without_any_wait_it_rests_as_long_as_asked(doorbell):
    assert wake_in_time(within=2) == 2


def test_what_cannot_be_woken_just_now_keeps_nobody_busy(waiting, monkeypatch):
    is_due(waiting)
    monkeypatch.setattr("tasks_app.services.maintenance.timers.wake_due", lambda: 0)

    assert wake_in_time(within=2) == SHORTEST_REST


def test_a_paused_instance_is_not_waited_for(waiting):
    is_due(waiting)
    Instance.objects.update(status=InstanceState.PAUSED)

    assert wake_in_time(within=2) == 2
    waiting.refresh_from_db()
    assert waiting.status == TaskState.WAITING


def test_a_wait_sets_the_alarm(doorbell, monkeypatch):
    monkeypatch.setattr(alarm, "_set", alarm.threading.Event())
    instance = an_instance(a_task("only", also=RETRY))

    fail_for_now(instance)

    assert alarm._set.is_set()
