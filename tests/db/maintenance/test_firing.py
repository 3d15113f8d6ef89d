"""Fires: each due time once, with its instance or with the reason why there is none."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from tasks_app.errors import NotFired, NotScheduled
from tasks_app.models import Event, Instance, Schedule, ScheduleFire, Task
from tasks_app.services.control.instances import pause_instance
from tasks_app.services.maintenance import firing
from tasks_app.services.maintenance.firing import fire_due, fire_now
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.driving import complete, drive_to_end, sweep_now
from tests.support.engine import task
from tests.support.schedules import a_schedule, fires, make_due, started

pytestmark = pytest.mark.django_db


class TestFireDue:
    def test_a_due_schedule_starts_an_instance(self, doorbell):
        schedule = a_schedule()
        make_due(schedule)
        due_at = schedule.next_fire_at

        assert fire_due() == 1

        [instance] = started(schedule)
        assert instance.status == "running"
        assert len(doorbell.messages) == 1
        fire = ScheduleFire.objects.get()
        assert (fire.fire_at, fire.outcome, fire.instance) == (due_at, "fired", instance)
        schedule.refresh_from_db()
        assert (schedule.last_fired_at, schedule.next_fire_at) == (due_at, due_at + timedelta(minutes=5))
        assert Event.objects.get(kind="instance.scheduled").data["by"] == "schedule"

    def test_a_time_is_fired_once(self, doorbell):
        schedule = a_schedule()
        make_due(schedule)

        assert [fire_due(), fire_due(), fire_due(schedule.pk)] == [1, 0, 0]

        assert Instance.objects.count() == 1

    def test_a_time_on_record_is_not_fired_again_even_if_the_clock_went_back(self, doorbell):
        schedule = a_schedule(overlap="allow")
        make_due(schedule)
        due_at = schedule.next_fire_at
        fire_due()
        Schedule.objects.update(next_fire_at=due_at)

        fire_due()

        assert Instance.objects.count() == 1
        schedule.refresh_from_db()
        assert schedule.next_fire_at > due_at

    def test_what_is_not_due_is_left_alone(self, doorbell):
        a_schedule()

        assert fire_due() == 0
        assert not ScheduleFire.objects.exists()

    def test_the_message_of_one_schedule_fires_no_other(self, doorbell):
        one, two = a_schedule(name="one"), a_schedule(name="two")
        make_due(one)
        make_due(two)

        fire_due(one.pk)

        assert (len(started(one)), len(started(two))) == (1, 0)

    def test_the_celery_task_fires_it(self, doorbell):
        from workers_app.celery.tasks import fire_schedule

        schedule = a_schedule()
        make_due(schedule)

        fire_schedule(schedule_id=schedule.pk)

        assert fires(schedule) == ["fired"]

    def test_the_sweep_fires_it(self, doorbell):
        make_due(a_schedule("*/30 * * * * *"))

        assert sweep_now().fired == 1

    def test_the_instance_has_the_schedule_s_parameters_and_the_newest_version(self, doorbell):
        source = a_workflow(
            a_task("say", run="echo", word="{{ params.word }}"),
            params={"word": "none", "other": 1},
            schedule={"cron": "*/5 * * * *", "params": {"word": "night"}},
        )
        upload_workflow(source=source.replace("name: say", "name: said").encode())
        upload_workflow(source=source.encode())
        make_due(Schedule.objects.get())

        fire_due()

        instance = Instance.objects.get()
        assert instance.params == {"word": "night", "other": 1}
        assert instance.version.number == 2

    def test_it_runs_to_its_end(self, doorbell):
        schedule = a_schedule("*/5 * * * *", a_task("one"), a_task("two", needs=["one"]))
        make_due(schedule)
        fire_due()

        assert drive_to_end(started(schedule)[0], doorbell).status == "completed"

    def test_a_broker_that_is_away_loses_nothing(self, doorbell, fleet):
        schedule = a_schedule()
        make_due(schedule)
        doorbell.is_broken = True
        fire_due()
        doorbell.is_broken = False

        assert drive_to_end(started(schedule)[0], doorbell).status == "completed"

    def test_one_that_cannot_be_fired_keeps_no_other_from_it(self, doorbell):
        broken, sound = a_schedule(name="broken"), a_schedule(name="sound")
        make_due(broken)
        make_due(sound)
        Schedule.objects.filter(pk=broken.pk).update(cron="not an expression")

        fire_due()

        assert (fires(broken), fires(sound)) == ([], ["fired"])

    def test_parameters_that_no_longer_fit_are_told(self, doorbell):
        schedule = a_schedule()
        make_due(schedule)
        Schedule.objects.update(params={"nobody": 1})

        fire_due()

        fire = ScheduleFire.objects.get()
        assert (fire.outcome, fire.instance) == ("refused", None)
        assert "nobody" in fire.note
        assert not Instance.objects.exists()
        assert fire_due() == 0

    @pytest.mark.parametrize(
        "place",
        ["tasks_app.services.submit.instances.create_tasks", "tasks_app.services.maintenance.firing.Event"],
    )
    def test_a_crash_leaves_it_due_and_nothing_half_made(self, doorbell, monkeypatch, place):
        schedule = a_schedule()
        make_due(schedule)

        def crash(**_):
            raise OperationalError("the database went away")

        with monkeypatch.context() as broken:
            if place.endswith("Event"):
                broken.setattr("tasks_app.services.maintenance.firing.Event.objects.create", crash)
            else:
                broken.setattr(place, crash)
            with pytest.raises(OperationalError):
                fire_due()
        assert not Instance.objects.exists()
        assert not ScheduleFire.objects.exists()

        assert fire_due() == 1
        assert fires(schedule) == ["fired"]

    def test_old_fires_without_an_instance_are_forgotten(self, doorbell):
        schedule = a_schedule()
        make_due(schedule)
        long_ago = schedule.next_fire_at - timedelta(days=31)
        ScheduleFire.objects.create(schedule=schedule, fire_at=long_ago, outcome="skipped")

        fire_due()

        assert fires(schedule) == ["fired"]


class TestCatchup:
    def test_latest_makes_up_for_one(self, doorbell):
        schedule = a_schedule(catchup="latest")
        make_due(schedule, missed=3)

        fire_due()

        assert fires(schedule) == ["missed", "fired"]
        assert len(started(schedule)) == 1
        assert fire_due() == 0

    def test_none_makes_up_for_nothing(self, doorbell):
        schedule = a_schedule("0 0 1 1 *", catchup="none")
        make_due(schedule, missed=2)

        fire_due()

        assert fires(schedule) == ["missed"]
        schedule.refresh_from_db()
        assert schedule.next_fire_at > ScheduleFire.objects.get().fire_at + timedelta(days=700)
        assert not Instance.objects.exists()

    def test_all_makes_up_for_each(self, doorbell):
        schedule = a_schedule(catchup="all", overlap="allow")
        make_due(schedule, missed=3)

        assert fire_due() == 4

        times = list(ScheduleFire.objects.order_by("instance_id").values_list("fire_at", flat=True))
        assert times == sorted(times)
        assert len(started(schedule)) == 4

    def test_all_has_a_bound_and_says_what_it_gave_up(self, doorbell, monkeypatch):
        monkeypatch.setattr(firing, "MOST_AT_ONCE", 3)
        schedule = a_schedule(catchup="all", overlap="allow")
        make_due(schedule, missed=9)

        fire_due()

        assert fires(schedule) == ["fired", "fired", "fired", "missed"]
        assert "more than 3" in ScheduleFire.objects.get(outcome="missed").note
        assert fire_due() == 0


class TestOverlap:
    @staticmethod
    def fire_twice(overlap, **more):
        schedule = a_schedule("*/5 * * * *", overlap=overlap, **more)
        make_due(schedule, missed=1)
        Schedule.objects.update(catchup="all")
        fire_due()
        return schedule

    def test_skip_starts_nothing_while_one_runs(self, doorbell):
        schedule = self.fire_twice("skip")

        [running] = started(schedule)
        assert fires(schedule) == ["fired", "skipped"]
        assert running.public_id in ScheduleFire.objects.get(outcome="skipped").note

    def test_a_paused_instance_has_not_ended(self, doorbell):
        schedule = a_schedule()
        make_due(schedule, missed=0)
        fire_due()
        pause_instance(given=started(schedule)[0].public_id)
        schedule.refresh_from_db()
        make_due(schedule)
        ScheduleFire.objects.update(fire_at=schedule.next_fire_at - timedelta(days=1))

        fire_due()

        assert fires(schedule) == ["fired", "skipped"]

    def test_allow_starts_them_side_by_side(self, doorbell):
        schedule = self.fire_twice("allow")

        assert [instance.status for instance in started(schedule)] == ["running", "running"]

    def test_cancel_running_ends_the_one_before(self, doorbell):
        schedule = self.fire_twice("cancel_running")

        assert [instance.status for instance in started(schedule)] == ["cancelled", "running"]
        assert fires(schedule) == ["fired", "fired"]

    def test_nothing_is_cancelled_for_a_time_that_was_fired_before(self, doorbell):
        schedule = self.fire_twice("cancel_running")
        Schedule.objects.update(next_fire_at=ScheduleFire.objects.earliest("fire_at").fire_at)

        fire_due()

        assert [instance.status for instance in started(schedule)] == ["cancelled", "running"]

    def test_queue_lets_the_next_wait_for_the_one_before(self, doorbell):
        schedule = self.fire_twice("queue")
        first, second = started(schedule)
        assert (first.status, second.status) == ("running", "pending")
        assert fires(schedule) == ["fired", "queued"]

        complete(task(first, "a-task"))

        second.refresh_from_db()
        assert second.status == "running"
        assert drive_to_end(second, doorbell).status == "completed"

    def test_in_a_queue_the_oldest_is_first(self, doorbell):
        schedule = a_schedule(overlap="queue", catchup="all")
        make_due(schedule, missed=3)
        fire_due()

        for place, instance in enumerate(started(schedule)):
            states = [each.status for each in started(schedule)]
            assert states == ["completed"] * place + ["running"] + ["pending"] * (3 - place)
            complete(task(instance, "a-task"))

    def test_a_queue_has_an_end(self, doorbell, monkeypatch):
        monkeypatch.setattr(firing, "MOST_QUEUED", 2)
        schedule = a_schedule(overlap="queue", catchup="all")
        make_due(schedule, missed=4)

        fire_due()

        assert fires(schedule) == ["fired", "queued", "queued", "skipped", "skipped"]

    def test_a_queue_keeps_no_other_instance_of_the_workflow_waiting(self, doorbell):
        from tasks_app.services.submit.instances import submit_instance

        self.fire_twice("queue")

        by_hand = Instance.objects.get(public_id=submit_instance(workflow="a-workflow"))

        assert by_hand.status == "running"

    def test_an_instance_that_is_admitted_has_ready_tasks_even_if_nobody_lives_to_advance_it(
        self, doorbell, monkeypatch
    ):
        schedule = self.fire_twice("queue")
        first, second = started(schedule)
        monkeypatch.setattr("tasks_app.services.progress.advance.admit_waiting", lambda *_, **__: [])
        complete(task(first, "a-task"))
        monkeypatch.undo()
        from tasks_app.services.progress.admission import admit_waiting

        assert admit_waiting() == [second.pk]

        assert Task.objects.get(instance=second).ready_at is not None

    def test_instances_started_by_hand_do_not_count(self, doorbell):
        from tasks_app.services.submit.instances import submit_instance

        schedule = a_schedule()
        submit_instance(workflow="a-workflow")
        make_due(schedule)

        fire_due()

        assert fires(schedule) == ["fired"]


class TestFireNow:
    def test_it_starts_one_at_once_and_leaves_the_times_as_they_are(self, doorbell):
        schedule = a_schedule()

        fired = fire_now(given="a-workflow", by="ann")

        assert [each.public_id for each in started(schedule)] == [fired.instance_id]
        assert Event.objects.get(kind="instance.scheduled").message == "fired by ann"
        before = schedule.next_fire_at
        schedule.refresh_from_db()
        assert schedule.next_fire_at == before

    def test_it_does_so_while_paused(self, doorbell):
        schedule = a_schedule(paused=True)

        fire_now(given="a-workflow")

        assert fires(schedule) == ["fired"]

    def test_it_says_what_keeps_it(self, doorbell):
        schedule = a_schedule()
        fired = fire_now(given="a-workflow")

        with pytest.raises(NotFired, match=fired.instance_id):
            fire_now(given="a-workflow")

        assert fires(schedule) == ["fired", "skipped"]

    def test_it_cancels_where_the_schedule_would(self, doorbell):
        schedule = a_schedule(overlap="cancel_running")
        fire_now(given="a-workflow")

        fire_now(given="a-workflow")

        assert [each.status for each in started(schedule)] == ["cancelled", "running"]

    def test_it_waits_where_the_schedule_would(self, doorbell):
        a_schedule(overlap="queue")
        fire_now(given="a-workflow")

        assert fire_now(given="a-workflow").outcome == "queued"

    def test_what_has_no_schedule_is_not_fired(self, doorbell):
        upload_workflow(source=a_workflow(a_task()).encode())

        with pytest.raises(NotScheduled):
            fire_now(given="a-workflow")
