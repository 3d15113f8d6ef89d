"""Projects share the slots by weight, limits hold, and nobody waits for the burst of another."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Project, Task, Workflow
from tasks_app.services.explain.why import why_waiting
from tasks_app.services.lookup.fleet import LiveWorker
from tasks_app.services.lookup.requirements import is_for_others, queues_of
from tasks_app.services.publishing import window
from tasks_app.services.publishing.pump import pump
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import TaskState
from tests.support.builders import a_task, a_workflow
from tests.support.copies import copy_row
from tests.support.driving import claim, complete, deliver, drive_to_end, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def tenant(slug, **terms):
    return Project.objects.create(slug=slug, name=slug, **terms)


def work(project, *tasks, **more):
    """Submit tasks in a project, and return the instance."""
    uploaded = upload_workflow(source=a_workflow(*tasks, **more).encode(), project=project)
    submit_instance(workflow=uploaded.workflow_id)
    return Workflow.objects.get(public_id=uploaded.workflow_id).instances.latest("pk")


def a_burst(size, **also):
    return [a_task(f"t{number}", also=also) for number in range(size)]


def out_by_project():
    rows = Task.objects.filter(status__in=[TaskState.QUEUED, TaskState.RUNNING])
    return dict(Counter(rows.values_list("project__slug", flat=True)))


def slug_of(message):
    return Task.objects.values_list("project__slug", flat=True).get(pk=message.task_id)


def sentences(row):
    return [hold.sentence for hold in why_waiting(row)]


def kinds(row):
    return [hold.kind for hold in why_waiting(row)]


@pytest.fixture
def narrow(settings, fleet):
    """A window of twelve messages, and twelve slots."""
    settings.CPDS = {**settings.CPDS, "window_minimum": 12, "window_per_slot": 0}
    fleet.free = 12


class TestWeights:
    def test_three_tenants_share_by_weight(self, doorbell, settings, fleet):
        settings.CPDS = {**settings.CPDS, "window_minimum": 0, "window_per_slot": 0}
        fleet.free = 12
        for slug, weight in (("one", 1), ("two", 2), ("three", 3)):
            work(tenant(slug, weight=weight), *a_burst(30))
        settings.CPDS = {**settings.CPDS, "window_minimum": 12}
        Task.objects.filter(status=TaskState.QUEUED).delete()

        pump()

        assert out_by_project() == {"one": 2, "two": 4, "three": 6}

    def test_the_shares_hold_as_tasks_come_and_go(self, doorbell, narrow):
        for slug, weight in (("one", 1), ("two", 2), ("three", 3)):
            work(tenant(slug, weight=weight), *a_burst(60))
        ran = Counter()

        for _ in range(120):
            message = next_as_of_a_broker(doorbell)
            doorbell.messages.remove(message)
            ran[slug_of(message)] += deliver(message, doorbell)

        assert ran["three"] == pytest.approx(60, abs=14)
        assert ran["two"] == pytest.approx(40, abs=10)
        assert ran["one"] == pytest.approx(20, abs=10)

    def test_a_tenant_alone_has_everything(self, doorbell, narrow):
        work(tenant("alone", weight=1), *a_burst(30))

        assert out_by_project() == {"alone": 12}
        assert not any(canvas.is_express for canvas in doorbell.canvases)

    def test_one_task_of_another_overtakes_a_burst(self, doorbell, narrow):
        work(tenant("loud"), *a_burst(100))
        for message in doorbell.take():
            claim(Task.objects.get(pk=message.task_id))
        sweep_now()

        work(tenant("quiet"), a_task("single"))

        (express,) = [canvas for canvas in doorbell.canvases if canvas.is_express]
        assert Task.objects.get(pk=express.heads[0]).project.slug == "quiet"

    def test_what_is_out_is_not_overtaken_for_ever(self, doorbell, narrow, fleet):
        fleet.free = 1
        loud = work(tenant("loud"), *a_burst(20), name="loud")
        work(tenant("quiet"), *a_burst(20), name="quiet")
        work(tenant("third"), *a_burst(20), name="third")
        ran = []

        while len(ran) < 24:
            message = next_as_of_a_broker(doorbell)
            doorbell.messages.remove(message)
            if deliver(message, doorbell):
                ran.append(slug_of(message))

        assert min(Counter(ran).values()) >= 6
        assert drive_to_end(loud, doorbell).status == "completed"

    def test_priority_counts_within_a_project_only(self, doorbell, narrow):
        work(tenant("critical"), *a_burst(40, priority="critical"))

        work(tenant("humble"), *a_burst(40, priority="low"))

        assert out_by_project()["humble"] == 6

    def test_what_a_project_cannot_use_others_do(self, doorbell, narrow):
        big, small = tenant("big", weight=10), tenant("small")
        work(big, a_task("single"))
        work(small, *a_burst(40))

        assert out_by_project() == {"big": 1, "small": 11}

    def test_it_says_which_share_holds_a_task(self, doorbell, narrow):
        loud = work(tenant("loud"), *a_burst(40))
        work(tenant("quiet", weight=3), *a_burst(40))

        waiting = Task.objects.backlog().filter(instance=loud).first()

        assert kinds(waiting)[-2:] == ["share", "backlog"]
        assert "its project has 12 tasks out, and 3 of 12 slots are its share" in " ".join(sentences(waiting))


def next_as_of_a_broker(doorbell):
    """Return the message that a broker hands out next: of those that overtake the oldest, else of all."""
    express = set(Task.objects.filter(is_express=True).values_list("pk", flat=True))
    newest = {message.task_id: place for place, message in enumerate(doorbell.messages)}
    overtakes = {newest[task_id] for task_id in express & newest.keys()}
    return doorbell.messages[min(overtakes, default=0)]


class TestLimits:
    def test_of_a_project(self, doorbell, fleet):
        project = tenant("p", max_parallel=3)
        first, second = work(project, *a_burst(5), name="x"), work(project, *a_burst(5), name="y")

        assert out_by_project() == {"p": 3}
        assert "project_limit" in kinds(task(second, "t4"))
        assert "3 tasks of its project are on their way; 3 may be at once" in sentences(task(second, "t4"))
        complete(task(first, "t0"))
        assert out_by_project() == {"p": 3}
        assert drive_to_end(first, doorbell).status == "completed"

    def test_of_an_instance_across_what_its_tasks_require(self, doorbell, fleet):
        fleet.others = [LiveWorker(holder="able@test", slots=9, capabilities=frozenset({"gpu"}))]

        instance = an_instance(
            a_task("source"),
            *(a_task(f"t{number}", needs=["source"]) for number in range(3)),
            *(a_task(f"g{number}", needs=["source"], also={"requires": ["gpu"]}) for number in range(3)),
            max_parallel=4,
        )
        complete(task(instance, "source"))

        assert out_by_project() == {"default": 4}

    def test_of_a_workflow_across_its_instances(self, doorbell, fleet):
        first = an_instance(*a_burst(3), max_running=4)
        second = an_instance(*a_burst(3), max_running=4)
        other = an_instance(*a_burst(2), name="other")

        assert Task.objects.filter(status=TaskState.QUEUED).exclude(instance=other).count() == 4
        assert Task.objects.filter(status=TaskState.QUEUED, instance=other).count() == 2
        assert kinds(task(second, "t2"))[0] == "workflow_limit"
        assert drive_to_end(first, doorbell).status == "completed"
        assert drive_to_end(second, doorbell).status == "completed"

    def test_of_a_capability(self, doorbell, fleet, settings):
        settings.CPDS = {**settings.CPDS, "capability_limits": {"gpu": 2}}
        fleet.others = [LiveWorker(holder="able@test", slots=9, capabilities=frozenset({"gpu", "node"}))]

        instance = an_instance(
            *(a_task(f"g{number}", also={"requires": ["gpu"]}) for number in range(3)),
            *(a_task(f"n{number}", also={"requires": ["gpu", "node"]}) for number in range(3)),
            a_task("plain"),
        )

        out = Task.objects.filter(status=TaskState.QUEUED)
        assert (out.exclude(requirement="").count(), task(instance, "plain").status) == (2, "queued")
        held = Task.objects.backlog().first()
        assert "2 tasks that require gpu are on their way; 2 may be at once" in sentences(held)
        first = out.exclude(requirement="").first()
        complete(first)
        assert out.exclude(requirement="").count() == 2

    def test_what_a_line_is_about_to_start_keeps_its_place(self, doorbell, fleet):
        project = tenant("p", max_parallel=1)
        line = work(project, a_task("a"), a_task("b", needs=["a"]), name="x")
        work(project, a_task("c"), name="y")

        complete(task(line, "a"))

        assert out_by_project() == {}
        claim(task(line, "b"))
        assert out_by_project() == {"p": 1}


class TestBurst:
    """What is asked and read does not depend on how much waits."""

    @pytest.fixture
    def backlog(self, doorbell, narrow):
        def grown(size):
            instance = work(tenant(f"p{size}"), *a_burst(40), name=f"w{size}")
            template = Task.objects.backlog().filter(instance=instance).first()
            copy_row(template, number=size, numbered={"name": "more-"})

        return grown

    def test_as_many_statements_for_ten_thousand_as_for_ten(self, backlog):
        counts = []
        for size in (10, 10_000):
            backlog(size)
            Task.objects.filter(status=TaskState.QUEUED).update(status=TaskState.COMPLETED)
            with CaptureQueriesContext(
                connection,
            ) as asked:
                assert pump() > 0
            counts.append(len(asked))

        assert counts[1] <= counts[0] * 2  # two projects instead of one

    def test_what_waits_is_found_along_the_index(self, backlog):
        backlog(10_000)

        statement = window._LOOK.text()
        explain, leaps = (
            ("EXPLAIN QUERY PLAN", ["first", "next project", "next set"])
            if connection.vendor == "sqlite"
            else ("EXPLAIN (ANALYZE, TIMING OFF)", ["first", "next"])
        )
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {statement}")
            plan = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())

        assert plan.count("task_backlog") == len(leaps)
        assert "SCAN task\n" not in plan
        assert "Seq Scan on tasks_app_task" not in plan


class TestWorkersOfProjects:
    @pytest.fixture
    def kept(self, fleet):
        """A fleet of one worker, kept for the project ``garden``."""
        garden = tenant("garden")
        live_worker = LiveWorker(
            holder="kept@test", slots=4, capabilities=frozenset(), projects=frozenset({garden.pk})
        )
        fleet.live_workers = lambda: [live_worker]
        fleet.free = 4
        return garden

    def test_its_tasks_go_to_queues_of_its_own(self, doorbell, kept):
        work(kept, a_task("a"))

        assert [canvas.project for canvas in doorbell.canvases] == [kept.pk]

    def test_what_it_may_not_take_stays_a_row_and_says_so(self, doorbell, kept):
        other = work(tenant("park"), a_task("a"))

        assert doorbell.messages == []
        assert "are kept for other projects" in sentences(task(other, "a"))[0]

    def test_its_slots_are_no_part_of_anybody_else_s_window(self, doorbell, kept, fleet, settings):
        settings.CPDS = {**settings.CPDS, "window_minimum": 1}
        live_workers = [
            *fleet.live_workers(),
            LiveWorker(holder="any@test", slots=1, capabilities=frozenset()),
        ]
        fleet.live_workers = lambda: live_workers
        fleet.free = 5

        work(tenant("park"), *a_burst(20))

        assert out_by_project() == {"park": 2}

    def test_the_claim_refuses_what_is_for_others(self, doorbell, fleet):
        from tasks_app.errors import StaleDispatch
        from tasks_app.services.attempts.claims import claim_task

        row = task(work(tenant("park"), a_task("a")), "a")
        own = {"task_id": row.pk, "dispatch_id": row.dispatch_id}

        for serves in (frozenset(), frozenset({row.project_id + 1}), frozenset({row.project_id * 10 + 1})):
            with pytest.raises(StaleDispatch):
                claim_task(**own, worker="w@test", serves=serves)
            assert is_for_others(**own, able=[], serves=serves)

        assert claim_task(**own, worker="w@test", serves=frozenset({row.project_id})).attempt == 1

    def test_which_queues_are_whose(self):
        assert queues_of(requirements=["", "gpu"], serves={7}) == ["cpds.of.7", "cpds.of.7.needs.gpu"]
        assert queues_of(requirements=[""], kept=[7, 9]) == ["cpds", "cpds.of.7", "cpds.of.9"]
        assert queues_of(requirements=["", "gpu"], serves=frozenset()) == []

    def test_what_it_left_is_published_for_all_once_it_is_gone(self, doorbell, kept, fleet):
        from tests.support.driving import let_time_pass

        work(kept, a_task("a"))
        live_worker = LiveWorker(holder="any@test", slots=1, capabilities=frozenset())
        fleet.live_workers = lambda: [live_worker]
        let_time_pass()

        assert sweep_now().published_again == 1
        assert [canvas.project for canvas in doorbell.canvases] == [kept.pk, None]
