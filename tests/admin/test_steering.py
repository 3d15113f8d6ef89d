"""Operators control instances from the list, by the services, if they may."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from cpds.base import clock
from tasks_app.models import Event, Instance, WorkflowVersion
from tasks_app.services.workflows.definitions import upload_workflow
from tests.admin.rows import a_version, an_instance, page, tasks_in
from tests.support.builders import a_task, a_workflow
from tests.support.driving import complete, fail
from tests.support.engine import an_instance as a_run
from tests.support.engine import task

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    """A version to make instances of."""
    return a_version()


def act(client, name, *instances, **more):
    data = {"action": f"{name}_instances", "_selected_action": [each.pk for each in instances], **more}
    return client.post(page(Instance), data, follow=True)


def upload(tasks, params):
    source = a_workflow(*tasks, name="typed", params=params).encode()
    uploaded = upload_workflow(source=source)
    return WorkflowVersion.objects.get(workflow__public_id=uploaded.workflow_id, number=uploaded.version)


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
    assert event.data == {"by": admin_user.get_username(), "via": "admin", "address": "127.0.0.1"}
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
        for each in tasks_in(instance, 60):
            type(each).objects.filter(pk=each.pk).update(status="pending", satisfies=None)
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


def test_a_pause_may_end_by_itself(admin_client, version):
    instance = an_instance(version=version)

    act(admin_client, "pause", instance, confirmed="yes", way="drain", until="2h")

    assert state(instance) == "paused"
    assert instance.paused_until > clock.now() + timedelta(hours=1)
    assert LogEntry.objects.get().get_change_message().startswith("Paused (drain, until ")


def test_a_time_that_is_none_is_asked_for_again(admin_client, version):
    instance = an_instance(version=version)

    answer = act(admin_client, "pause", instance, confirmed="yes", way="now", until="soon", reason="lunch")

    html = answer.content.decode()
    assert "is no time" in html
    assert 'value="soon"' in html
    assert 'value="lunch"' in html
    assert 'value="now" checked' in html
    assert state(instance) == "running"


def test_what_completed_may_be_undone(admin_client, doorbell):
    undo = {"compensate": {"run": "noop"}}
    instance = a_run(a_task("paid", also=undo), a_task("open", needs=["paid"]))
    complete(task(instance, "paid"))

    act(admin_client, "cancel", instance, confirmed="yes", way="now", compensate="yes")

    assert state(instance) == "compensating"
    assert LogEntry.objects.get().get_change_message() == "Cancelled (now, compensate)"


class TestRerun:
    @pytest.fixture
    def origin(self, doorbell):
        instance = a_run(a_task("first"), a_task("second", needs=["first"]))
        complete(task(instance, "first"))
        fail(task(instance, "second"))
        instance.refresh_from_db()
        return instance

    def test_it_asks_for_the_task(self, admin_client, origin):
        html = act(admin_client, "rerun", origin).content.decode()

        assert '<option value="second">' in html
        assert Instance.objects.count() == 1

    def test_a_new_instance_starts_there(self, admin_client, admin_user, origin):
        act(admin_client, "rerun", origin, confirmed="yes", from_task="second", reason="again")

        new = Instance.objects.exclude(pk=origin.pk).get()
        event = Event.objects.get(instance=new, kind="instance.rerun")
        assert (new.origin, event.data["by"]) == (origin, admin_user.get_username())
        assert event.message.endswith("from second: again")
        assert LogEntry.objects.get().get_change_message() == f"Rerun as {new.public_id} from second: again"

    def test_params_have_the_types_of_the_version_that_is_rerun(self, admin_client, origin):
        tasks = [a_task("first"), a_task("second", needs=["first"])]
        older = upload(tasks, {"limit": {"type": "integer", "default": 1}})
        upload(tasks, {"limit": {"type": "string", "default": "1"}})
        Instance.objects.filter(pk=origin.pk).update(workflow=older.workflow, version=older)

        act(admin_client, "rerun", origin, confirmed="yes", from_task="second", params="limit=10")

        assert Instance.objects.exclude(pk=origin.pk).get().params == {"limit": 10}

    @pytest.mark.parametrize(
        ("more", "problem"),
        [
            ({"from_task": "third"}, "No task is called"),
            ({"from_task": ""}, "No task is called"),
            ({"from_task": "second", "params": "no equals"}, "no equals"),
            ({"from_task": "second", "params": "unknown=1"}, "unknown"),
        ],
    )
    def test_what_does_not_fit_is_said_and_asked_again(self, admin_client, origin, more, problem):
        html = act(admin_client, "rerun", origin, confirmed="yes", **more).content.decode()

        assert problem in html.split("errornote")[1]
        assert Instance.objects.count() == 1

    def test_one_that_has_not_ended_is_refused(self, admin_client, doorbell):
        instance = a_run(a_task("x"))

        html = act(admin_client, "rerun", instance, confirmed="yes", from_task="x").content.decode()

        assert "cannot become rerun" in html

    def test_only_one_at_a_time(self, admin_client, version):
        one, other = an_instance(version=version), an_instance(version=version)

        assert said(act(admin_client, "rerun", one, other)) == ["Choose one instance to rerun."]

    def test_staff_who_may_only_look_cannot(self, staff_client, origin):
        act(staff_client("view_instance"), "rerun", origin, confirmed="yes", from_task="second")

        assert Instance.objects.count() == 1
