"""Within a priority the path expected to take longest goes first, by how long its tasks took lately."""

from datetime import timedelta

import pytest
from django.db.models import F

from cpds.base import clock
from tasks_app.models import Instance, Task, Workflow
from tasks_app.services.lookup import durations
from tasks_app.services.lookup.durations import expected_milliseconds
from tasks_app.services.publishing.pump import pump
from tasks_app.services.submit.instances import rerun_instance, submit_instance
from tasks_app.states import TaskState
from tests.support.builders import a_chain, a_task
from tests.support.driving import drive_to_end
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def ended(doorbell, *tasks, took):
    """Run an instance to its end, and make it as if its tasks had taken so many seconds."""
    instance = drive_to_end(an_instance(*tasks, name="known"), doorbell)
    for name, seconds in took.items():
        lasted(instance, name, seconds)
    return instance


def again(doorbell, *, took):
    key = submit_instance(workflow="known")
    instance = drive_to_end(Instance.objects.get(public_id=key), doorbell)
    for name, seconds in took.items():
        lasted(instance, name, seconds)


def lasted(instance, name, seconds):
    now = clock.now()
    Task.objects.filter(instance=instance, name=name).update(
        started_at=now, finished_at=now + timedelta(seconds=seconds)
    )


def expected(*names):
    return expected_milliseconds(workflow_id=Workflow.objects.get(name="known").pk, names=names)


def test_it_is_the_median_of_the_last_instances(doorbell):
    ended(doorbell, a_task("only"), took={"only": 4})
    again(doorbell, took={"only": 60})
    again(doorbell, took={"only": 2})

    assert expected("only") == {"only": 4000}


def test_only_the_last_instances_count(doorbell, monkeypatch):
    ended(doorbell, a_task("only"), took={"only": 60})
    again(doorbell, took={"only": 2})
    monkeypatch.setattr(durations, "RECENT_INSTANCES", 1)

    assert expected("only") == {"only": 2000}


def test_of_a_large_workflow_fewer_instances_are_read(doorbell, monkeypatch):
    ended(doorbell, *a_chain(2), took={"link-0": 60, "link-1": 60})
    again(doorbell, took={"link-0": 2, "link-1": 2})
    monkeypatch.setattr(durations, "ROWS_READ", 2)

    assert expected("link-0", "link-1") == {"link-0": 2000, "link-1": 2000}


def test_a_new_task_counts_as_the_middle_one(doorbell):
    ended(doorbell, *a_chain(3), took={"link-0": 1, "link-1": 3, "link-2": 50})

    assert expected("link-0", "new") == {"link-0": 1000, "new": 1000}
    assert expected("link-0", "link-1", "link-2", "new")["new"] == 3000


def test_where_nothing_is_known_all_count_the_same(doorbell):
    instance = an_instance(*a_chain(3), name="known")

    assert [task(instance, f"link-{n}").rank for n in range(3)] == [3000, 2000, 1000]


def test_what_took_no_time_still_counts(doorbell):
    ended(doorbell, *a_chain(2), took={"link-0": 0, "link-1": 0})

    assert expected("link-0", "link-1") == {"link-0": 1, "link-1": 1}


def test_what_a_rerun_shares_was_not_done_there(doorbell):
    origin = ended(doorbell, *a_chain(2), took={"link-0": 2, "link-1": 2})
    key = rerun_instance(given=origin.public_id, from_task="link-1")
    rerun = drive_to_end(Instance.objects.get(public_id=key), doorbell)
    Task.objects.filter(instance=rerun).update(started_at=F("finished_at") - timedelta(seconds=10))

    assert expected("link-0") == {"link-0": 2000}


def test_the_longest_path_goes_first_though_another_has_more_tasks(doorbell, settings):
    shape = (*a_chain(3), a_task("long"))
    ended(doorbell, *shape, took={"link-0": 1, "link-1": 1, "link-2": 1, "long": 60})
    settings.CPDS = {**settings.CPDS, "window_minimum": 1, "window_per_slot": 0}

    second = Instance.objects.get(public_id=submit_instance(workflow="known"))

    assert task(second, "link-0").rank == 3000
    assert task(second, "long").rank == 60_000
    assert task(second, "long").status == TaskState.QUEUED
    assert task(second, "link-0").status == TaskState.PENDING


def test_a_critical_task_overtakes_a_thousand_that_were_ready_before(doorbell, settings):
    settings.CPDS = {**settings.CPDS, "window_minimum": 16, "window_per_slot": 0}
    an_instance(*(a_task(f"normal-{n}") for n in range(1000)), name="crowd")
    out = len(doorbell.messages)
    an_instance(a_task("critical", also={"priority": "critical"}), name="urgent")

    Task.objects.filter(name="normal-0").move(to=TaskState.CANCELLED)  # one place in the window is free
    assert pump() == 1

    assert out == 16
    assert Task.objects.get(pk=doorbell.messages[-1].task_id).name == "critical"
