"""Operators answer what waits for a person, by the services, if they may."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group

from tasks_app.models import Checkpoint
from tests.admin.rows import page
from tests.support.builders import a_task
from tests.support.driving import deliver
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db
FORM = {"type": "object", "properties": {"version": {"type": "string"}}, "required": ["version"]}


@pytest.fixture
def asked(doorbell):
    """Open a checkpoint: ``asked(by=["lead"])``."""

    def opened(**approval):
        instance = an_instance(a_task("release", also={"approval": approval}), name="asking")
        for message in doorbell.take():
            deliver(message, doorbell)
        return Checkpoint.objects.get(instance=instance)

    return opened


def answer(client, name, *checkpoints, **more):
    data = {"action": f"{name}_checkpoints", "_selected_action": [each.pk for each in checkpoints], **more}
    return client.post(page(Checkpoint), data, follow=True)


def said(response):
    return [str(each) for each in response.context["messages"]]


def state(checkpoint):
    checkpoint.refresh_from_db()
    return checkpoint.state


def test_it_asks_first_and_shows_the_form(admin_client, asked):
    checkpoint = asked(form=FORM)

    html = answer(admin_client, "approve", checkpoint).content.decode()

    assert "Approve 1 checkpoint?" in html
    assert "version" in html
    assert 'name="values_text"' in html
    assert state(checkpoint) == "open"


def test_who_and_why_and_the_values_are_recorded(admin_client, admin_user, asked):
    checkpoint = asked(form=FORM)

    response = answer(
        admin_client,
        "approve",
        checkpoint,
        confirmed="yes",
        reason="<b>good</b>",
        values_text='{"version": "1.2"}',
    )

    assert (state(checkpoint), said(response)) == ("approved", ["1 checkpoint approved."])
    assert (checkpoint.answered_by, checkpoint.comment) == (admin_user.get_username(), "<b>good</b>")
    assert checkpoint.values == {"version": "1.2"}
    assert LogEntry.objects.get().get_change_message() == "Approved: <b>good</b>"


@pytest.mark.parametrize(
    ("values", "problem"),
    [("", "required"), ("{", "no JSON"), ("[1]", "no JSON object"), ('{"version": 5}', "not of type")],
)
def test_values_that_do_not_fit_are_asked_for_again(admin_client, asked, values, problem):
    checkpoint = asked(form=FORM)

    html = answer(admin_client, "approve", checkpoint, confirmed="yes", values_text=values).content.decode()

    assert problem in html.split("errornote")[1]
    assert state(checkpoint) == "open"


def test_a_rejection_fails_the_task(admin_client, asked):
    checkpoint = asked()

    answer(admin_client, "reject", checkpoint, confirmed="yes", reason="not before Monday")

    assert state(checkpoint) == "rejected"
    checkpoint.task.refresh_from_db()
    assert (checkpoint.task.status, checkpoint.task.error_kind) == ("failed", "rejected")


def test_what_is_for_others_is_not_answered(admin_client, asked):
    checkpoint = asked(by=["lead"])

    html = answer(admin_client, "approve", checkpoint, confirmed="yes").content.decode()

    assert "lead" in html.split("errornote")[1]
    assert state(checkpoint) == "open"


def test_a_group_of_the_visitor_may_answer(admin_client, admin_user, asked):
    checkpoint = asked(by=["lead"])
    admin_user.groups.add(Group.objects.create(name="lead"))

    answer(admin_client, "approve", checkpoint, confirmed="yes")

    assert state(checkpoint) == "approved"


def test_the_same_answer_twice_is_harmless_and_another_is_refused(admin_client, asked):
    checkpoint = asked()
    answer(admin_client, "approve", checkpoint, confirmed="yes")

    assert said(answer(admin_client, "approve", checkpoint, confirmed="yes")) == ["1 checkpoint approved."]

    html = answer(admin_client, "reject", checkpoint, confirmed="yes").content.decode()
    assert "errornote" in html
    assert state(checkpoint) == "approved"


def test_of_many_each_is_answered_that_can_be(admin_client, asked):
    mine, others = asked(), asked(by=["lead"])

    response = answer(admin_client, "approve", mine, others, confirmed="yes")

    assert "1 checkpoint approved." in said(response)
    assert len(said(response)) == 2
    assert (state(mine), state(others)) == ("approved", "open")


def test_staff_who_may_only_look_cannot_answer(staff_client, asked):
    checkpoint = asked()
    client = staff_client("view_checkpoint")

    answer(client, "approve", checkpoint, confirmed="yes")

    assert state(checkpoint) == "open"
    assert b"approve_checkpoints" not in client.get(page(Checkpoint)).content


def test_staff_who_may_change_can_answer(staff_client, asked):
    checkpoint = asked()

    answer(staff_client("view_checkpoint", "change_checkpoint"), "approve", checkpoint, confirmed="yes")

    assert state(checkpoint) == "approved"
