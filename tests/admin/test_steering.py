"""Operators steer instances from the list, by the services, if they may."""

import pytest
from django.contrib.admin.models import LogEntry

from tasks_app.models import Event, Instance
from tests.admin.rows import a_version, an_instance, page, tasks_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    """A version to make instances of."""
    return a_version()


def act(client, name, *instances, **more):
    data = {"action": f"{name}_instances", "_selected_action": [each.pk for each in instances], **more}
    return client.post(page(Instance), data, follow=True)


def said(answer):
    return [str(each) for each in answer.context["messages"]]


def state(instance):
    instance.refresh_from_db()
    return instance.status


def test_it_asks_first(admin_client, version):
    instance = an_instance(version=version)

    answer = act(admin_client, "pause", instance)

    html = answer.content.decode()
    assert "Pause 1 instance?" in html
    assert instance.public_id in html
    assert 'value="drain" checked' in html
    assert state(instance) == "running"


def test_who_and_why_are_recorded(admin_client, admin_user, version):
    instance = an_instance(version=version)

    answer = act(admin_client, "pause", instance, confirmed="yes", way="now", reason="<b>lunch</b>")

    event = Event.objects.get(instance=instance, kind="instance.paused")
    entry = LogEntry.objects.get()
    assert said(answer) == ["1 instance paused."]
    assert (state(instance), instance.pause_reason) == ("paused", "<b>lunch</b>")
    assert event.data == {"by": admin_user.get_username()}
    assert (entry.object_id, entry.user) == (str(instance.pk), admin_user)
    assert entry.get_change_message() == "Paused (now): <b>lunch</b>"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("resume", "paused", "running"), ("cancel", "running", "cancelled"), ("retry", "failed", "running")],
)
def test_every_act_is_done(admin_client, version, name, before, after):
    instance = an_instance(version=version, status=before)
    tasks_in(instance, 2)

    act(admin_client, name, instance, confirmed="yes", way="now")

    event = Event.objects.filter(instance=instance, kind__startswith="instance.").earliest("id")
    assert event.kind == f"instance.{after}"
    assert LogEntry.objects.count() == 1


def test_refusals_are_named_and_stop_nobody(admin_client, version):
    over, running = an_instance(version=version, status="completed"), an_instance(version=version)

    answer = act(admin_client, "pause", over, running, confirmed="yes")

    assert f"Instance {over.public_id} is completed and cannot become paused." in said(answer)
    assert "1 instance paused." in said(answer)
    assert (state(over), state(running)) == ("completed", "paused")
    assert LogEntry.objects.count() == 1


def test_staff_who_may_only_look_cannot_act(staff_client, version):
    instance = an_instance(version=version)
    client = staff_client("view_instance")

    act(client, "cancel", instance, confirmed="yes")

    assert state(instance) == "running"
    assert b"cancel_instances" not in client.get(page(Instance)).content


def test_staff_who_may_change_can_act_and_still_edit_nothing(staff_client, version):
    instance = an_instance(version=version)
    client = staff_client("view_instance", "change_instance")

    act(client, "cancel", instance, confirmed="yes", way="now")

    assert state(instance) == "cancelled"
    assert client.post(page(Instance, "change", instance.pk), {"status": "running"}).status_code == 403


class TestPage:
    def sections(self, client, instance):
        answer = client.get(page(Instance, "change", instance.pk))
        return {each.title: each for each in answer.context["sections"]}, answer.content.decode()

    def test_it_shows_why_and_the_pause(self, admin_client, version):
        instance = an_instance(version=version, status="running", task_count=60)
        for task in tasks_in(instance, 60):
            type(task).objects.filter(pk=task.pk).update(status="pending", satisfies=None)
        act(admin_client, "pause", instance, confirmed="yes", reason="<i>lunch</i>")

        sections, html = self.sections(admin_client, instance)

        rows = sections["Why it is waiting"].rows
        assert rows[0][1:3] == ["pause", "the instance is paused by admin: <i>lunch</i>"]
        assert rows[0][4] == "unknown"
        assert "<i>lunch" not in html
        assert "Pause" in html
        assert len(rows) <= 51

    def test_of_an_ended_instance_it_shows_nothing_of_that(self, admin_client, version):
        sections, html = self.sections(admin_client, an_instance(version=version, status="completed"))

        assert "Why it is waiting" not in sections
        assert "Pause reason" not in html
