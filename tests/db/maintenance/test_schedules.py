"""A workflow's schedule: kept by uploading, paused and resumed by people, and with it its periodic task."""

import json

import pytest
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from cpds.beat import Entry
from tasks_app.errors import NotFound, NotScheduled
from tasks_app.models import Event, Schedule, ScheduleFire, Workflow
from tasks_app.services.maintenance.firing import fire_due
from tasks_app.services.queries import unfinished_counts
from tasks_app.services.schedules.control import pause_schedule, resume_schedule
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.services.workflows.removal import delete_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.schedules import a_schedule, make_due

pytestmark = pytest.mark.django_db


def upload(**more):
    return upload_workflow(source=a_workflow(a_task(), **more).encode())


def switch(schedule, *, enabled):
    task = PeriodicTask.objects.get(pk=schedule.periodic_task_id)
    task.enabled = enabled
    task.save()
    schedule.refresh_from_db()


class TestUpload:
    def test_a_schedule_is_made_of_what_the_file_says(self):
        schedule = a_schedule("0 30 2 * * MON-FRI", timezone="Asia/Shanghai", overlap="queue", catchup="all")

        assert (schedule.cron, schedule.timezone) == ("0 30 2 * * MON-FRI", "Asia/Shanghai")
        assert (schedule.overlap, schedule.catchup, schedule.paused) == ("queue", "all", False)
        assert schedule.next_fire_at.strftime("%H:%M:%S") == "18:30:00"
        assert schedule.project == schedule.workflow.project

    def test_a_plain_text_is_the_expression(self):
        upload(schedule="@hourly")

        assert Schedule.objects.get().cron == "@hourly"

    def test_beat_gets_a_periodic_task(self):
        schedule = a_schedule("0 30 2 * * MON-FRI", timezone="Asia/Shanghai")
        task = schedule.periodic_task

        assert (task.task, json.loads(task.kwargs)) == ("cpds.fire_schedule", {"schedule_id": schedule.pk})
        assert task.enabled
        assert "a-workflow" in task.name
        assert str(task.crontab) == "30 2 * * 1,2,3,4,5 (m/h/dM/MY/d) Asia/Shanghai"

    def test_where_either_day_is_enough_beat_asks_on_each(self):
        task = a_schedule("0 2 1 * MON").periodic_task

        assert (task.crontab.day_of_month, task.crontab.day_of_week) == ("*", "*")

    def test_the_same_again_changes_nothing(self):
        schedule = a_schedule()
        make_due(schedule)
        PeriodicTasks.objects.all().delete()

        again = a_schedule()

        assert (again.pk, again.next_fire_at) == (schedule.pk, schedule.next_fire_at)
        assert again.periodic_task == schedule.periodic_task
        assert not PeriodicTasks.objects.exists(), "beat was told to read its schedule again"

    def test_another_expression_starts_over(self):
        schedule = a_schedule()
        make_due(schedule)

        changed = a_schedule("0 3 * * *")

        assert changed.pk == schedule.pk
        assert changed.next_fire_at.strftime("%H:%M") == "03:00"
        assert changed.periodic_task.crontab.hour == "3"
        assert PeriodicTasks.last_change() is not None

    def test_without_one_it_is_removed(self):
        a_schedule()

        upload()

        assert not Schedule.objects.exists()
        assert not PeriodicTask.objects.filter(task="cpds.fire_schedule").exists()

    def test_two_workflows_have_one_each(self):
        first, second = a_schedule(name="one"), a_schedule(name="two")

        assert first.pk != second.pk
        assert first.periodic_task.crontab == second.periodic_task.crontab

    def test_a_deleted_workflow_takes_it_along(self):
        schedule = a_schedule()
        ScheduleFire.objects.create(schedule=schedule, fire_at=Now(), outcome="skipped")

        delete_workflow(given="a-workflow")

        assert not Schedule.objects.exists()
        assert not ScheduleFire.objects.exists()
        assert not PeriodicTask.objects.filter(task="cpds.fire_schedule").exists()


class TestPause:
    def test_a_paused_schedule_fires_nothing(self):
        schedule = a_schedule()
        make_due(schedule)

        pause_schedule(given="a-workflow", reason="the source moves")

        schedule.refresh_from_db()
        assert (schedule.paused, schedule.next_fire_at) == (True, None)
        assert schedule.pause_reason == "the source moves"
        assert schedule.paused_at is not None
        assert not schedule.periodic_task.enabled
        assert fire_due() == 0

    def test_resumed_it_fires_from_then_on(self):
        schedule = a_schedule()
        make_due(schedule, missed=3)
        pause_schedule(given="a-workflow")

        resume_schedule(given="a-workflow")

        schedule.refresh_from_db()
        assert fire_due() == 0
        assert not schedule.paused
        assert schedule.next_fire_at is not None
        assert (schedule.paused_at, schedule.pause_reason) == (None, "")
        assert schedule.periodic_task.enabled

    def test_doing_it_twice_is_harmless(self):
        schedule = a_schedule()
        pause_schedule(given="a-workflow", reason="first")
        pause_schedule(given="a-workflow", reason="second")

        schedule.refresh_from_db()
        assert schedule.pause_reason == "first"

    def test_a_pause_survives_an_upload(self):
        a_schedule()
        pause_schedule(given="a-workflow", reason="the source moves")

        again = a_schedule("0 3 * * *")

        assert (again.paused, again.next_fire_at) == (True, None)
        assert again.pause_reason == "the source moves"
        assert not again.periodic_task.enabled

    def test_a_file_that_says_so_resumes_it(self):
        a_schedule()
        pause_schedule(given="a-workflow")

        again = a_schedule(paused=False)

        assert not again.paused
        assert again.next_fire_at is not None
        assert again.periodic_task.enabled

    def test_a_file_may_pause_it(self):
        schedule = a_schedule(paused=True)

        assert (schedule.paused, schedule.next_fire_at) == (True, None)
        assert not schedule.periodic_task.enabled

    def test_what_has_no_schedule_cannot_be_paused(self):
        upload()

        with pytest.raises(NotScheduled):
            pause_schedule(given="a-workflow")
        with pytest.raises(NotFound):
            pause_schedule(given="nothing")


class TestASwitchedPeriodicTask:
    def test_switched_off_it_pauses_the_schedule(self):
        schedule = a_schedule()
        make_due(schedule)

        switch(schedule, enabled=False)

        assert (schedule.paused, schedule.next_fire_at) == (True, None)
        assert "admin" in schedule.pause_reason
        assert Event.objects.get(kind="schedule.paused").data["subject"] == "a-workflow"
        assert fire_due() == 0

    def test_switched_on_it_resumes_it(self):
        schedule = a_schedule()
        pause_schedule(given="a-workflow")

        switch(schedule, enabled=True)

        assert not schedule.paused
        assert schedule.next_fire_at is not None

    def test_deleted_it_pauses_the_schedule_until_somebody_resumes_it(self):
        schedule = a_schedule()
        make_due(schedule)
        PeriodicTask.objects.filter(pk=schedule.periodic_task_id).delete()

        assert fire_due() == 0
        schedule.refresh_from_db()
        assert schedule.paused

        resume_schedule(given="a-workflow")
        schedule.refresh_from_db()
        assert schedule.periodic_task.enabled

    def test_so_does_one_that_goes_with_its_times(self):
        schedule = a_schedule()

        schedule.periodic_task.crontab.delete()

        schedule.refresh_from_db()
        assert (schedule.paused, schedule.periodic_task) == (True, None)

    def test_saved_as_it_stands_it_changes_nothing(self):
        on, off = a_schedule(name="one"), a_schedule(name="two", paused=True)
        make_due(on)
        due_at = on.next_fire_at

        switch(on, enabled=True)
        switch(off, enabled=False)

        assert (on.paused, on.next_fire_at, off.paused) == (False, due_at, True)
        assert not Event.objects.filter(kind__startswith="schedule.").exists()

    def test_the_switch_survives_an_upload(self):
        switch(a_schedule(), enabled=False)

        again = a_schedule("0 3 * * *")

        assert again.paused
        assert not again.periodic_task.enabled

    def test_what_beat_counts_switches_nothing(self):
        schedule = a_schedule()
        entry = Entry(PeriodicTask.objects.get(pk=schedule.periodic_task_id))
        pause_schedule(given="a-workflow")

        next(entry).save()

        schedule.refresh_from_db()
        assert schedule.paused
        assert not schedule.periodic_task.enabled
        assert schedule.periodic_task.last_run_at is None

    def test_beat_counts_on_a_task_that_is_on(self):
        schedule = a_schedule()
        entry = Entry(PeriodicTask.objects.get(pk=schedule.periodic_task_id))

        next(entry).save()

        task = PeriodicTask.objects.get(pk=schedule.periodic_task_id)
        assert (task.enabled, task.total_run_count) == (True, 1)
        assert task.last_run_at is not None


def test_a_schedule_that_will_fire_is_armed():
    a_schedule(name="one")
    a_schedule(name="two", paused=True)

    assert unfinished_counts()["armed"] == 1


def test_nothing_of_a_schedule_is_stored_of_an_upload_that_fails(monkeypatch):
    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr("tasks_app.services.workflows.definitions.keep_schedule", fail)

    with pytest.raises(RuntimeError):
        a_schedule()

    assert not Workflow.objects.exists()
