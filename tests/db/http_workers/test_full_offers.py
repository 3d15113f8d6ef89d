"""Offers beside what is full: an instance that runs as many as it may keeps no worker from the others."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Project, Task
from tasks_app.outcomes import Completed
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.http_workers.offers import pending
from tests.support.builders import a_task
from tests.support.engine import an_instance, task
from tests.support.loose import an_external, attempt_at, created

pytestmark = pytest.mark.django_db


def offered(**more):
    return [each.name for each in pending(project=Project.objects.default(), **more)]


def outside(name, **also):
    return {"name": name, "run": "external", **also}


def a_full(number=20, **limits):
    """Return an instance of which one task runs, and no more may."""
    instance = an_instance(*[outside(f"a{each}") for each in range(number)], name="narrow", **limits)
    assign(task=task(instance, "a0"), worker="W-1")
    return instance


@pytest.mark.parametrize("limits", [{"max_parallel": 1}, {"max_running": 1}])
def test_what_is_full_is_passed_over(doorbell, limits):
    full = a_full(**limits)
    an_instance(outside("b"), name="other")

    assert offered(limit=1) == ["b"]

    attempt_at(task(full, "a0")).end(outcome=Completed())
    assert offered(limit=1) == ["a1"]


def test_all_instances_of_a_full_workflow_are_passed_over(doorbell):
    a_full(max_running=1)
    an_instance(outside("a0"), name="narrow", max_running=1)
    an_instance(outside("b"), name="other")

    assert offered(limit=2) == ["b"]


def test_of_a_full_project_nothing_is_offered(doorbell):
    full = a_full()
    Project.objects.update(max_parallel=1)
    an_instance(outside("b"), name="other")

    assert offered() == []

    attempt_at(task(full, "a0")).end(outcome=Completed())
    assert offered(limit=1) == ["a1"]


def test_many_full_ones_hide_nothing(doorbell):
    for number in range(5):
        instance = an_instance(outside("a"), outside("z"), name=f"narrow{number}", max_parallel=1)
        assign(task=task(instance, "a"), worker="W-1")
    an_instance(outside("b"), name="other")

    assert offered(limit=1) == ["b"]


def test_a_lent_task_that_is_out_has_its_place(doorbell, fleet, settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    instance = an_instance(a_task("out"), a_task("ready"), name="narrow", max_parallel=1)
    an_instance(outside("b"), name="other")
    assert task(instance, "out").status == "queued"

    assert offered() == ["out", "b"]

    assign(task=task(instance, "out"), worker="W-1")
    assert offered() == ["b"]


def test_where_nothing_is_limited_it_takes_one_statement(doorbell):
    created(an_external("a"), an_external("b"))
    project = Project.objects.default()

    with CaptureQueriesContext(connection) as seen:
        pending(project=project, limit=1)

    assert len(seen) == 1


def test_the_gates_looked_for_are_read_by_their_index_in_order(doorbell):
    at_gate = Task.objects.at_gate().filter(project=Project.objects.default(), status="pending")
    rows = at_gate.in_running_instance().order_by("-priority", "id").values("pk")[:1]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")

    plan = rows.explain()

    assert "task_at_gate" in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    assert "Sort" not in plan, plan
