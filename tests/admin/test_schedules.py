"""Schedules are paused and resumed from their list, by those who may; nothing else is changed there."""

import pytest

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
