"""How many workers are wanted, by the rows: what is ready, what runs, and what holds it back."""

import pytest

from cpds.base import clock
from tasks_app.models import ExecutionRecord, Project, Task, Workflow
from tasks_app.services.control.instances import pause_instance
from tasks_app.services.lookup.fleet import LiveWorker
from tasks_app.services.scaling.autoscale import NOTHING_REQUIRED, Pool, workers_wanted
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim, complete
from tests.support.engine import an_instance, task
from tests.support.loose import an_external, created

pytestmark = pytest.mark.django_db
ONE_EACH = Pool(slots=1)


@pytest.fixture(autouse=True)
def _engine(doorbell, fleet):
    """Keep what is published, and let tests say who is there."""


def needing(name, *capabilities):
    return a_task(name, also={"requires": list(capabilities)})


def wanted(**asked):
    return workers_wanted(pool=Pool(**{"slots": 1, **asked}))


def by_name(found):
    return {each.name: each.workers for each in found.sets.values()}


def has_taken(seconds):
    ExecutionRecord.objects.update(
        started_at=clock.database_now(), finished_at=clock.database_now_plus(seconds)
    )


class TestDemand:
    def test_what_is_ready_counts_published_or_not_and_what_is_blocked_does_not(self):
        an_instance(*(a_task(f"t{number}") for number in range(30)), *a_chain(3))

        found = wanted()

        assert (found.workers, next(iter(found.sets.values())).ready) == (31, 31)

    def test_what_runs_keeps_its_slot(self):
        instance = an_instance(a_task("a"), a_task("b"))
        claim(task(instance, "a"), worker="worker@test")

        [found] = wanted().sets.values()

        assert (found.ready, found.running, found.slots) == (1, 1, 2)

    def test_what_runs_on_a_worker_that_leaves_wants_no_slot(self):
        claim(task(an_instance(a_task("a")), "a"), worker="leaving@test")

        assert wanted().workers == 0

    def test_what_is_paused_wants_nothing(self):
        instance = an_instance(a_task("a"))

        pause_instance(given=instance.public_id)

        assert wanted().workers == 0

    def test_what_is_for_workers_over_http_wants_nothing(self):
        created(an_external("E-1"))

        assert wanted().workers == 0

    def test_a_follower_whose_canvas_is_lost_is_ready(self):
        instance = an_instance(*a_chain(2))
        complete(task(instance, "link-0"))

        assert task(instance, "link-1").dispatch_id
        assert wanted().workers == 1


class TestDurations:
    def test_short_tasks_share_a_slot(self):
        instance = an_instance(*(a_task(f"t{number}") for number in range(61)))
        complete(task(instance, "t0"))
        has_taken(6)

        found = wanted(target_seconds=60)

        assert next(iter(found.sets.values())).seconds == pytest.approx(6, abs=0.5)
        assert found.workers == 6

    def test_tasks_that_take_long_have_a_slot_each(self):
        instance = an_instance(*(a_task(f"t{number}") for number in range(5)))
        complete(task(instance, "t0"))
        has_taken(600)

        assert wanted(target_seconds=60).workers == 4


class TestSets:
    def test_each_requirement_set_has_a_number_of_its_own(self):
        an_instance(a_task("a"), needing("b", "gpu"), needing("c", "gpu", "node"), needing("d", "gpu"))

        found = wanted()

        assert by_name(found) == {NOTHING_REQUIRED: 1, "gpu": 2, "gpu+node": 1}
        assert found.workers == 4

    def test_a_pool_wants_workers_for_what_it_can_do_and_is_there_for(self):
        an_instance(a_task("a"), needing("b", "gpu"), needing("c", "gpu", "node"), needing("d", "node"))

        assert by_name(wanted(capabilities=frozenset({"node"}))) == {NOTHING_REQUIRED: 1, "node": 1}
        assert by_name(wanted(requires=frozenset({"gpu"}))) == {"gpu": 1, "gpu+node": 1}
        assert wanted(requires=frozenset({"fpga"})).workers == 0

    def test_a_set_nobody_needs_now_is_told_with_nothing(self):
        instance = an_instance(needing("b", "gpu"))
        Task.objects.filter(instance=instance).delete()

        assert by_name(wanted()) == {NOTHING_REQUIRED: 0, "gpu": 0}

    def test_slots_are_those_of_the_smallest_worker_alike_else_the_setting(self, fleet, settings):
        fleet.others = [LiveWorker(holder="big@test", slots=16, capabilities=frozenset({"gpu"}))]

        assert workers_wanted(pool=Pool()).slots_each == fleet.free
        assert workers_wanted(pool=Pool(capabilities=frozenset({"gpu"}))).slots_each == 16
        assert (
            workers_wanted(pool=Pool(requires=frozenset({"fpga"}))).slots_each
            == settings.CELERY_WORKER_CONCURRENCY
        )

    def test_what_others_can_do_is_left_to_them(self, fleet):
        fleet.free = 0
        fleet.others = [
            LiveWorker(holder="own@test", slots=4, capabilities=frozenset({"gpu"})),
            LiveWorker(holder="plain@test", slots=4, capabilities=frozenset()),
            LiveWorker(holder="kept@test", slots=4, capabilities=frozenset({"gpu"}), projects=frozenset({0})),
        ]
        an_instance(*(a_task(f"t{number}") for number in range(3)), *(needing(f"g{n}", "gpu") for n in "ab"))

        found = workers_wanted(pool=ONE_EACH, own={"own@test"})

        assert found.workers == 2


class TestLimits:
    def many(self, count=10, *capabilities, **more):
        return an_instance(*(needing(f"t{number}", *capabilities) for number in range(count)), **more)

    def test_a_project_s_limit_bounds_what_it_wants(self):
        Project.objects.create(slug="default", name="Default", max_parallel=3)
        instance = self.many()
        claim(task(instance, "t0"), worker="worker@test")

        [found] = wanted().sets.values()

        assert (found.slots, found.is_limited) == (3, True)

    def test_what_runs_elsewhere_takes_places_too(self):
        Project.objects.create(slug="default", name="Default", max_parallel=3)
        claim(task(self.many(), "t0"), worker="leaving@test")

        assert wanted().workers == 2

    def test_a_capability_s_limit_bounds_all_sets_with_it(self, settings):
        settings.CPDS = {**settings.CPDS, "capability_limits": {"gpu": 2}}
        self.many(5, "gpu", name="a")
        self.many(5, "gpu", "node", name="b")
        self.many(5, name="c")

        assert wanted(requires=frozenset({"gpu"})).workers == 2
        assert wanted().workers == 7

    def test_a_workflow_s_and_an_instance_s_limits_count(self):
        instance = self.many(max_parallel=4)
        assert wanted().workers == 4

        Workflow.objects.filter(instances=instance.pk).update(max_running=2)
        assert wanted().workers == 2

    def test_a_limit_that_is_used_up_wants_nothing_more(self):
        Project.objects.create(slug="default", name="Default", max_parallel=1)
        instance = self.many()
        claim(task(instance, "t0"), worker="worker@test")

        assert wanted().workers == 1


def test_only_the_projects_asked_about_count():
    other = Project.objects.create(slug="other", name="Other")
    instance = an_instance(a_task("a"), a_task("b"))
    Task.objects.filter(instance=instance, name="b").update(project=other)

    assert workers_wanted(pool=ONE_EACH, projects=[other.pk]).workers == 1
    assert workers_wanted(pool=ONE_EACH, projects=[]).workers == 0


def test_it_asks_a_bounded_number_of_statements(django_assert_max_num_queries):
    for number in range(4):
        an_instance(needing("a", "gpu"), needing("b", f"c{number}"), name=f"w{number}")
    with django_assert_max_num_queries(7):
        wanted()
