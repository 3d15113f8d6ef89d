"""``why`` of tasks that workers over HTTP may take: whether one is there, and what those lack that are."""

import pytest

from tasks_app.models import Project
from tasks_app.services.explain.holds import HoldKind
from tasks_app.services.explain.why import why_many, why_waiting
from tests.support.builders import a_task
from tests.support.engine import an_instance, task
from tests.support.loose import an_external, created, loose
from workers_app.models import Worker
from workers_app.transports.http.workers import HttpRegistration, register_http_worker

pytestmark = pytest.mark.django_db
AWAITED = "it waits for a worker that speaks HTTP"


def joined(name, *capabilities):
    return register_http_worker(
        project_id=Project.objects.default().pk,
        registration=HttpRegistration(name=name, worker_id=name, capabilities=capabilities),
    )


def said(row):
    return [hold.sentence for hold in why_waiting(row)]


def test_it_says_when_none_is_online(doorbell, fleet):
    created(an_external("any"), an_external("gpu", requires=["gpu"]))

    assert said(loose("any")) == [f"{AWAITED}, and none is online"]
    assert said(loose("gpu")) == [f"{AWAITED}, and none is online that could have gpu"]


def test_it_says_what_those_lack_that_are_online(doorbell, fleet):
    for name in ("a", "b", "c"):
        joined(name, "git")
    created(an_external("gpu", requires=["git", "gpu"]), an_external("git", requires=["git"]))

    assert said(loose("gpu")) == [f"{AWAITED}: no live worker has git, gpu; 3 workers lack gpu"]
    assert said(loose("git")) == [AWAITED]


def test_one_that_is_drained_is_not_there(doorbell, fleet):
    joined("a")
    created(an_external("any"))
    assert said(loose("any")) == [AWAITED]

    Worker.objects.update(draining_at="2026-01-01T00:00:00Z")

    assert said(loose("any")) == [f"{AWAITED}, and none is online"]


class TestLent:
    """Tasks of executors that the settings lend."""

    @pytest.fixture(autouse=True)
    def lent(self, settings, doorbell, fleet):
        settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
        instance = an_instance(a_task("a", also={"requires": ["gpu"]}))
        self.row = task(instance, "a")

    def test_it_does_not_deny_the_one_over_http_that_is_able(self):
        joined("able", "gpu")

        [hold, *_] = why_waiting(self.row)

        assert (hold.kind, hold.sentence) == (HoldKind.EXTERNAL, f"{AWAITED}; no other may take it")

    def test_it_counts_those_over_http_that_are_not(self):
        joined("unable", "node")

        assert said(self.row)[0] == "no live worker has gpu; 2 workers lack gpu"


def test_many_cost_one_statement_more_at_most(doorbell, fleet, django_assert_max_num_queries):
    joined("a")
    created(*(an_external(f"T{number}") for number in range(10)))
    rows = [loose(f"T{number}") for number in range(10)]
    with django_assert_max_num_queries(30) as one:
        why_many(rows[:1])

    with django_assert_max_num_queries(len(one)):
        assert len(why_many(rows)) == 10
