"""A rerun with another version of the workflow, and the two side by side."""

import json

import pytest

from cpds.base.view import plain
from tasks_app.errors import ChangedUpstream, NotFound
from tasks_app.models import Instance
from tasks_app.services.queries import compare_instances
from tasks_app.services.submit.instances import rerun_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.driving import drive_to_end
from tests.support.engine import an_instance, assert_history_is_sound, task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


def tasks(**changed):
    return [
        a_task("read", also=changed.get("read")),
        a_task("count", needs=["read"], also=changed.get("count")),
        a_task("report", needs=["count"]),
        a_task("other", also=changed.get("other")),
    ]


@pytest.fixture
def origin(doorbell):
    return drive_to_end(an_instance(*tasks()), doorbell)


def upload(**changed):
    return upload_workflow(source=a_workflow(*tasks(**changed)).encode()).version


def rerun(origin, doorbell, **more):
    key = rerun_instance(given=origin.public_id, from_task="count", **more)
    return drive_to_end(Instance.objects.get(public_id=key), doorbell)


def test_it_keeps_the_version_of_the_origin(doorbell, origin):
    upload(count={"timeout": 9})

    again = rerun(origin, doorbell)

    assert again.version == origin.version
    assert task(again, "read").attempts == task(again, "other").attempts == 0


def test_another_version_shares_what_it_did_not_change(doorbell, origin):
    number = upload(count={"timeout": 9})

    again = rerun(origin, doorbell, version=number)

    assert (again.version.number, again.origin) == (2, origin)
    assert task(again, "count").timeout_seconds == 9
    assert {name: task(again, name).attempts for name in ("read", "count", "report", "other")} == {
        "read": 0,
        "count": 1,
        "report": 1,
        "other": 0,
    }
    assert_history_is_sound(again)


def test_another_branch_that_changed_runs_again(doorbell, origin):
    again = rerun(origin, doorbell, version=upload(other={"timeout": 9}))

    assert task(again, "other").attempts == 1


def test_a_change_upstream_is_refused_by_name(doorbell, origin):
    with pytest.raises(ChangedUpstream, match="read"):
        rerun(origin, doorbell, version=upload(read={"timeout": 9}))


def test_a_version_that_is_not_there_is_refused(doorbell, origin):
    with pytest.raises(NotFound):
        rerun(origin, doorbell, version=7)


def test_two_instances_are_shown_side_by_side(doorbell, origin):
    again = rerun(origin, doorbell)

    answer = compare_instances(a=origin.public_id, b=again.public_id)

    pairs = {each.name: each for each in answer.tasks}
    assert json.dumps(plain(answer))
    assert (answer.a.id, answer.b.id) == (origin.public_id, again.public_id)
    assert pairs["read"].same_output
    assert pairs["read"].a.output_digest == pairs["read"].b.output_digest
    assert not pairs["count"].same_output
    assert pairs["count"].differences[0].path == "output"
    assert [pairs["read"].a.attempts, pairs["read"].b.attempts] == [1, 0]
