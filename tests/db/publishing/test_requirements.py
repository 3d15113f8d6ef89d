"""A task goes only to a worker that can do it, and one that nobody can do is in nobody's way."""

import pytest

from tasks_app.canvas import names
from tasks_app.errors import StaleDispatch
from tasks_app.models import ExecutionRecord, RequirementSet, Task
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.explain.why import why_waiting
from tasks_app.services.lookup.fleet import LiveWorker
from tasks_app.services.lookup.requirements import SETS_AT_ONCE, is_for_others, requirements_met
from tasks_app.services.publishing import window
from tasks_app.services.publishing.pump import pump
from tasks_app.states import TaskState
from tests.support.builders import a_chain, a_fan, a_task
from tests.support.driving import claim, complete, drive_to_end, let_time_pass, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def needing(name, *capabilities, **more):
    return a_task(name, also={"requires": list(capabilities), **more.pop("also", {})}, **more)


def a_hand(*capabilities, slots=2, holder="able@test"):
    return LiveWorker(holder=holder, slots=slots, capabilities=frozenset(capabilities))


def published(doorbell):
    name = dict(Task.objects.values_list("pk", "name"))
    return {name[head]: canvas.requirement for canvas in doorbell.canvases for head in canvas.heads}


class TestSets:
    def test_the_same_words_in_another_order_are_the_same_set(self, doorbell):
        an_instance(needing("a", "gpu", "node"), needing("b", "node", "gpu"), a_task("c"))

        assert list(RequirementSet.objects.values_list("name", "capabilities")) == [
            ("gpu+node", ["gpu", "node"])
        ]
        assert sorted(Task.objects.values_list("requirement", flat=True)) == ["", "gpu+node", "gpu+node"]

    def test_who_can_do_all_of_it_meets_a_set(self, doorbell):
        an_instance(needing("a", "gpu", "node"), needing("b", "node"), needing("c", "docker"))

        assert requirements_met(["node", "gpu", "git"]) == {"gpu+node", "node"}
        assert requirements_met([]) == frozenset()

    def test_a_worker_serves_a_bounded_number_and_the_newest_first(self):
        RequirementSet.objects.bulk_create(
            RequirementSet(name=f"c{number}", capabilities=[f"c{number}"])
            for number in range(SETS_AT_ONCE + 5)
        )
        everything = [f"c{number}" for number in range(SETS_AT_ONCE + 5)]

        assert len(requirements_met(everything)) == SETS_AT_ONCE

    def test_a_long_set_has_a_short_queue(self, doorbell):
        instance = an_instance(needing("a", *(f"capability-{number:02}" for number in range(12))))

        assert len(names.queue_of(task(instance, "a").requirement)) < 90


class TestPublishing:
    def test_what_nobody_can_do_stays_a_row(self, doorbell, fleet):
        instance = an_instance(needing("a", "gpu"), a_task("b"))

        assert published(doorbell) == {"b": ""}
        assert task(instance, "a").status == TaskState.PENDING

    def test_it_goes_to_the_queue_of_its_set(self, doorbell, fleet):
        fleet.others = [a_hand("gpu", "node")]

        an_instance(needing("a", "gpu"), needing("b", "node", "gpu"), a_task("c"))

        assert published(doorbell) == {"a": "gpu", "b": "gpu+node", "c": ""}

    def test_it_starts_when_somebody_joins_who_can(self, doorbell, fleet):
        an_instance(needing("a", "gpu"))
        fleet.others = [a_hand("gpu")]

        assert pump() == 1

        assert published(doorbell) == {"a": "gpu"}

    def test_what_nobody_can_do_holds_up_nothing_behind_it(self, doorbell, fleet, settings):
        settings.CPDS = {**settings.CPDS, "window_minimum": 4, "window_per_slot": 0}
        stuck = [needing(f"stuck-{number}", "gpu", also={"priority": 9}) for number in range(30)]
        an_instance(*stuck)

        instance = an_instance(*a_fan(6))

        assert drive_to_end(instance, doorbell).status == "completed"

    def test_each_set_has_a_window_by_the_free_slots_of_those_who_meet_it(self, doorbell, fleet, settings):
        settings.CPDS = {**settings.CPDS, "window_minimum": 1}
        fleet.others = [a_hand("gpu", slots=3)]
        an_instance(*(needing(f"g{number}", "gpu") for number in range(10)))

        assert len(doorbell.messages) == 6
        assert window.take_snapshot().queued_of("gpu") == 6
        assert window.take_snapshot().room("gpu") == 0
        assert window.take_snapshot().requirements_in_play == ["gpu"]

    def test_a_worker_that_runs_more_than_it_has_slots_takes_none_from_others(self, doorbell, fleet):
        an_instance(needing("a", "gpu"))
        fleet.others = [a_hand("gpu", slots=3, holder=holder) for holder in ("full", "free")]

        found = window.Snapshot(queued={}, running={("full", "", 1): 4, ("full", "gpu", 1): 1}, waiting=[])

        assert found.free_slots("gpu") == 3

    def test_a_line_is_cut_where_the_requirement_changes(self, doorbell, fleet):
        fleet.others = [a_hand("gpu")]
        instance = an_instance(
            a_task("a"), needing("b", "gpu", needs=["a"]), needing("c", "gpu", needs=["b"])
        )

        assert task(instance, "b").dispatch_id is None
        complete(task(instance, "a"))
        assert [len(canvas.lines[0]) for canvas in doorbell.canvases] == [1, 2]

    def test_a_group_whose_lines_change_is_no_group(self, doorbell, fleet):
        instance = an_instance(
            a_task("a1"),
            needing("a2", "gpu", needs=["a1"]),
            a_task("b1"),
            needing("b2", "gpu", needs=["b1"]),
            a_task("join", needs=["a2", "b2"]),
        )

        assert [canvas.body for canvas in doorbell.canvases] == [(), ()]
        assert task(instance, "join").dispatch_id is None

    def test_a_mixed_instance_ends_once_somebody_can_do_it_all(self, doorbell, fleet, monkeypatch):
        instance = an_instance(*a_chain(3), needing("last", "gpu", needs=["link-2"]))
        let_time_pass()
        sweep_now()
        fleet.others = [a_hand("gpu")]
        for name in ("link-0", "link-1", "link-2"):
            complete(task(instance, name))
        sweep_now()

        last = task(instance, "last")
        assert last.status == TaskState.QUEUED
        claim_task(task_id=last.pk, dispatch_id=last.dispatch_id, worker="able@test", able=["gpu"])

    def test_it_is_published_again_in_the_queue_of_its_set(self, doorbell, fleet):
        fleet.others = [a_hand("gpu")]
        an_instance(needing("a", "gpu"))
        let_time_pass()

        assert sweep_now().published_again == 1

        assert [canvas.requirement for canvas in doorbell.canvases] == ["gpu", "gpu"]


class TestClaiming:
    @pytest.fixture
    def out(self, doorbell, fleet):
        fleet.others = [a_hand("gpu", "node")]
        return task(an_instance(needing("a", "gpu", "node")), "a")

    @pytest.mark.parametrize("able", [[], ["gpu"], ["node"], ["gpu+node+x", "x+gpu+node"]])
    def test_who_cannot_do_it_does_not_get_it_and_no_attempt_is_counted(self, out, able):
        with pytest.raises(StaleDispatch):
            claim_task(task_id=out.pk, dispatch_id=out.dispatch_id, worker="w@test", able=able)

        out.refresh_from_db()
        assert (out.status, out.attempts) == (TaskState.QUEUED, 0)
        assert not ExecutionRecord.objects.filter(task=out).exists()
        assert is_for_others(task_id=out.pk, dispatch_id=out.dispatch_id, able=able)

    @pytest.mark.parametrize("able", [["gpu+node"], ["a", "gpu+node", "z"]])
    def test_who_can_gets_it(self, out, able):
        held = claim_task(task_id=out.pk, dispatch_id=out.dispatch_id, worker="w@test", able=able)

        assert held.attempt == 1

    def test_what_requires_nothing_is_for_everybody(self, doorbell, fleet):
        assert claim(task(an_instance(a_task("a")), "a")).attempt == 1


class TestWhy:
    def sentences(self, row):
        return [hold.sentence for hold in why_waiting(row)]

    def test_it_names_what_nobody_has_and_how_many_lack_what(self, doorbell, fleet):
        fleet.others = [a_hand("node", holder="a@test"), a_hand("node", holder="b@test")]

        row = task(an_instance(needing("a", "node", "gpu")), "a")

        assert self.sentences(row)[0] == (
            "no live worker has gpu, node; 2 workers lack gpu; 1 worker lacks gpu, node"
        )

    def test_it_says_that_those_who_could_are_busy(self, doorbell, fleet):
        fleet.others = [a_hand("gpu", slots=1)]
        instance = an_instance(*(needing(name, "gpu") for name in ("a", "b")))
        first = task(instance, "a")
        claim_task(task_id=first.pk, dispatch_id=first.dispatch_id, worker="able@test", able=["gpu"])

        assert "all 1 slots of the living workers that have gpu are taken" in self.sentences(
            task(instance, "b")
        )


class TestSilence:
    def test_the_tasks_of_a_worker_that_fell_silent_are_taken_back(self, doorbell, fleet):
        row = task(an_instance(a_task("a")), "a")
        claim(row, worker="silent@test")
        fleet.gone = frozenset({"silent@test"})

        assert sweep_now().rescued == 1

        row.refresh_from_db()
        assert (row.status, row.losses) == (TaskState.QUEUED, 1)
