"""Offers among many: what a worker cannot take hides nothing that it can, and costs it little."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Project, Task
from tasks_app.services.http_workers import offers
from tasks_app.services.http_workers.offers import pending
from tests.support.copies import copy_row
from tests.support.loose import an_external, created, loose

pytestmark = pytest.mark.django_db

MANY = 10_500


def offered(**more):
    return [each.task_id for each in pending(project=Project.objects.default(), **more)]


@pytest.fixture
def crowd(doorbell):
    """Make copies of a task, older than everything else."""

    def made(task_id, number=MANY):
        row = loose(task_id)
        Task.objects.filter(pk=row.pk).update(priority=9)
        copy_row(row, number=number, numbered={"name": "copy"}, changed={"task_id": None})

    return made


def test_tasks_that_nobody_here_can_do_hide_none_that_somebody_can(crowd):
    created(an_external("gpu", requires=["gpu"]), an_external("plain"), an_external("git", requires=["git"]))
    crowd("gpu")

    with CaptureQueriesContext(connection) as seen:
        found = offered(capabilities=["git"], limit=5)

    assert found == ["plain", "git"]
    looks = [each["sql"] for each in seen if "tasks_app_task" in each["sql"] and "LIMIT 5" in each["sql"]]
    assert len(looks) == 2, "the first page, and the first that fits"


def test_a_kind_that_nobody_here_takes_hides_none_that_somebody_takes(crowd):
    created(
        an_external("deep", **{"with": {"kind": "research"}}),
        an_external("shout", **{"with": {"kind": "shout"}}),
        an_external("plain"),
        an_external("empty", **{"with": {"kind": ""}}),
        an_external("number", **{"with": {"kind": 7}}),
        an_external("nothing", **{"with": {"kind": None}}),
    )
    crowd("deep")

    assert offered(kinds=["shout"], limit=5) == ["shout"]
    assert offered(kinds=["external"], limit=5) == ["plain", "empty", "number", "nothing"]
    assert offered(kinds=["external", "shout"], capabilities=[], limit=3) == ["shout", "plain", "empty"]


def test_lent_tasks_that_nobody_here_can_do_hide_none_either(crowd, fleet, settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    created({"task_id": "gpu", "run": "noop", "requires": ["gpu"]}, {"task_id": "plain", "run": "noop"})
    crowd("gpu")

    assert offered(capabilities=[], limit=1) == ["plain"]


def test_what_is_passed_over_is_read_by_the_index_in_order(doorbell):
    created(an_external("plain"))
    fitting = offers._fitting(["git"], ["shout", "external"])
    rows = offers._in_order(Task.objects.offered().filter(fitting), Project.objects.default())[:5]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")

    plan = rows.explain()

    assert "task_offered" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_the_usual_claim_is_one_look(doorbell):
    created(an_external("plain"), an_external("gpu", requires=["gpu"]))

    with CaptureQueriesContext(connection) as seen:
        assert offered(capabilities=[], limit=1) == ["plain"]

    assert len([each for each in seen if "LIMIT 1" in each["sql"] and "tasks_app_task" in each["sql"]]) == 1
