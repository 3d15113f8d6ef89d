"""Tasks of executors that the settings lend to workers over HTTP: whoever is first has them."""

import pytest

from tasks_app.errors import NotHeld, NotOffered
from tasks_app.models import Project, Task
from tasks_app.outcomes import Completed
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.http_workers.offers import pending
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_task
from tests.support.driving import deliver, drive_to_end
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.loose import attempt_at
from workers_app.api.compat.cpds.acts import end_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lent(settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}


def offered():
    return [each.name for each in pending(project=Project.objects.default())]


def take(instance, name, worker="W-1"):
    return assign(task=task(instance, name), worker=worker)


def test_a_published_task_is_offered_too_and_its_message_is_stale_afterwards(doorbell, fleet):
    instance = an_instance(a_task("a"), a_task("b", needs=["a"]))
    [message] = doorbell.take()
    assert task(instance, "a").status == TaskState.QUEUED
    assert offered() == ["a"]

    take(instance, "a")
    deliver(message, doorbell)

    assert (task(instance, "a").status, task(instance, "a").worker) == (TaskState.RUNNING, "W-1")
    assert task(instance, "b").dispatch_id is None, "what was planned behind it is free"
    attempt_at(task(instance, "a")).end(outcome=Completed(output=1))
    drive_to_end(instance, doorbell)
    instance.refresh_from_db()
    assert instance.status == InstanceState.COMPLETED
    assert_history_is_sound()


def test_what_a_worker_of_cpds_has_is_not_to_be_had(doorbell, fleet):
    from tasks_app.services.attempts.claims import claim_task

    instance = an_instance(a_task("a"))
    [message] = doorbell.take()
    claim_task(task_id=message.task_id, dispatch_id=message.dispatch_id, worker="w1@host")

    assert offered() == []
    with pytest.raises(NotOffered):
        take(instance, "a")
    with pytest.raises(NotHeld):
        end_task(task=task(instance, "a"), outcome=Completed())


def test_without_the_setting_it_is_not_offered(doorbell, fleet, settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": []}
    instance = an_instance(a_task("a"))

    assert offered() == []
    with pytest.raises(NotOffered):
        take(instance, "a")
    assert Task.objects.get(instance=instance).status == TaskState.QUEUED
