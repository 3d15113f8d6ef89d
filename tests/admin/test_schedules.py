"""Schedules are paused and resumed from their list, by those who may; nothing else is changed there."""

import pytest
from django_celery_beat.models import PeriodicTask

from tasks_app.models import Schedule, ScheduleFire
from tests.admin.rows import page
from tests.support.schedules import a_schedule

pytestmark = pytest.mark.django_db


def act(client, action, *schedules):
    chosen = {"action": action, "_selected_action": [schedule.pk for schedule in schedules]}
    return client.post(page(Schedule), chosen, follow=True)


def test_chosen_schedules_are_paused_and_resumed(admin_client):
    one, two = a_schedule(name="one"), a_schedule(name="two")

    answer = act(admin_client, "pause", one)

    assert b"1 schedule(s) paused." in answer.content
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.paused, two.paused) == (True, False)
    assert one.pause_reason == "paused in the admin by admin"

    act(admin_client, "resume", one, two)
    one.refresh_from_db()
    assert not one.paused


def test_who_may_only_look_may_not_pause(staff_client):
    schedule = a_schedule()

    act(staff_client("view_schedule"), "pause", schedule)

    schedule.refresh_from_db()
    assert not schedule.paused


def test_who_may_change_schedules_may_pause(staff_client):
    schedule = a_schedule()

    act(staff_client("view_schedule", "change_schedule"), "pause", schedule)

    schedule.refresh_from_db()
    assert schedule.paused


def test_a_page_shows_the_periodic_task_and_the_newest_fires(admin_client):
    schedule = a_schedule()
    ScheduleFire.objects.create(
        schedule=schedule, fire_at=schedule.next_fire_at, outcome="skipped", note="inst-x has not ended"
    )

    html = admin_client.get(page(Schedule, "change", schedule.pk)).content.decode()

    assert f"/django_celery_beat/periodictask/{schedule.periodic_task_id}/change/" in html
    assert "inst-x has not ended" in html


class TestPeriodicTasks:
    """Beat's own page, on which a schedule is paused and resumed like any periodic task."""

    @pytest.mark.parametrize("action", ["disable_tasks", "toggle_tasks", "delete_selected"])
    def test_what_is_switched_off_or_deleted_is_paused(self, admin_client, action):
        one, two = a_schedule(name="one"), a_schedule(name="two")

        switch(admin_client, action, one)

        assert (is_paused(one), is_paused(two)) == (True, False)

    @pytest.mark.parametrize("action", ["enable_tasks", "toggle_tasks"])
    def test_what_is_switched_on_is_resumed(self, admin_client, action):
        one, two = a_schedule(name="one", paused=True), a_schedule(name="two", paused=True)

        switch(admin_client, action, one)

        assert (is_paused(one), is_paused(two)) == (False, True)
        assert PeriodicTask.objects.get(pk=one.periodic_task_id).enabled

    def test_its_form_pauses_and_resumes(self, admin_client):
        schedule = a_schedule()
        address = page(PeriodicTask, "change", schedule.periodic_task_id)
        form = admin_client.get(address).context["adminform"].form
        fields = {name: "" if value is None else value for name, value in form.initial.items()}
        del fields["enabled"], fields["one_off"]

        admin_client.post(address, fields)
        assert is_paused(schedule)

        admin_client.post(address, {**fields, "enabled": "on"})
        assert not is_paused(schedule)


def switch(client, action, *schedules):
    chosen = [schedule.periodic_task_id for schedule in schedules]
    answer = client.post(
        page(PeriodicTask), {"action": action, "_selected_action": chosen, "post": "yes"}, follow=True
    )
    assert b"uccessfully" in answer.content


def is_paused(schedule):
    schedule.refresh_from_db()
    return schedule.paused
