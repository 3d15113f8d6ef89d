"""Many instances are chosen by workflow, state and age, and controlled one by one."""

import pytest

from cpds.base import clock
from tasks_app.models import Event, Instance
from tasks_app.services.control.bulk import Action, ControlOptions, choose_instances, control_instances
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance
from tasks_app.services.control.selection import Chosen
from tests.support.builders import a_task
from tests.support.driving import complete, fail
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def instances(doorbell, fleet):
    """One that runs, one paused, one failed, one completed, one cancelled; and one of another workflow."""
    made = {
        name: an_instance(a_task("only"))
        for name in ("running", "paused", "failed", "completed", "cancelled")
    }
    made["other"] = an_instance(a_task("only"), name="other")
    pause_instance(given=made["paused"].public_id)
    fail(task(made["failed"], "only"))
    complete(task(made["completed"], "only"))
    cancel_instance(given=made["cancelled"].public_id)
    return {name: row.public_id for name, row in made.items()}


def chosen(instances, act, **asked):
    ids = choose_instances(chosen=Chosen(**asked), act=act)
    return {name for name, key in instances.items() if key in ids}


@pytest.mark.parametrize(
    ("act", "meant"),
    [
        (Action.PAUSE, {"running"}),
        (Action.RESUME, {"paused"}),
        (Action.CANCEL, {"running", "paused"}),
        (Action.RETRY, {"failed"}),
    ],
)
def test_an_act_is_for_those_it_is_meant_for(instances, act, meant):
    assert chosen(instances, act, workflow="a-workflow") == meant


def test_a_state_chooses_instead(instances):
    assert chosen(instances, Action.RETRY, states=["cancelled"]) == {"cancelled"}


def test_the_age_counts_from_the_end_or_else_from_the_submission(instances):
    past = clock.database_now_plus(-3 * DAY)
    Instance.objects.filter(public_id__in=[instances["running"], instances["failed"]]).update(created_at=past)
    Instance.objects.filter(public_id=instances["completed"]).update(finished_at=past)
    states = ["running", "failed", "completed"]

    found = chosen(instances, Action.CANCEL, states=states, older_than_seconds=2 * DAY)

    assert found == {"running", "completed"}


def test_each_is_steered_and_who_refuses_stops_nobody(instances):
    ids = [instances["completed"], "inst-gone", instances["running"], instances["failed"]]

    controlled = list(
        control_instances(act=Action.CANCEL, instances=ids, how=ControlOptions(by="ann", reason="too many"))
    )

    assert [bool(each.refusal) for each in controlled] == [True, True, False, False]
    assert "is completed and cannot become cancelled" in controlled[0].refusal
    event = Event.objects.get(instance__public_id=instances["running"], kind="instance.cancelled")
    assert (event.data, event.message) == ({"by": "ann"}, "too many")


def test_cancelling_what_failed_gives_it_up_and_keeps_why_it_failed(instances):
    list(control_instances(act=Action.CANCEL, instances=[instances["failed"]], how=ControlOptions()))

    row = Instance.objects.get(public_id=instances["failed"])
    assert (row.status, row.error_message) == ("cancelled", "only: as asked")
    assert task(row, "only").status == "failed"


def test_a_child_that_only_its_parent_retries_stops_nobody(doorbell, fleet):
    parent, child, other = (an_instance(a_task("only"), name=name) for name in ("parent", "child", "other"))
    fail(task(child, "only"))
    fail(task(other, "only"))
    Instance.objects.filter(pk=child.pk).update(parent_task=task(parent, "only"))

    refused, done = control_instances(
        act=Action.RETRY, instances=[child.public_id, other.public_id], how=ControlOptions(by="ann")
    )

    assert parent.public_id in refused.refusal
    assert (done.instance, done.refusal) == (other.public_id, "")
