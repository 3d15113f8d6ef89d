"""What is published, in which order, and how much of it."""

import pytest
from django.db.models.functions import Now

from cpds.base import clock
from cpds.base.db import TransactionRequired
from tasks_app.models import Event, Instance, Task
from tasks_app.outcomes import Completed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.publishing import pump as pumping
from tasks_app.services.publishing import window
from tasks_app.services.publishing.dispatch import Room, dispatch, has_backlog, mark_ready
from tasks_app.services.publishing.pump import pump
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_chain, a_fan, a_task, diamonds
from tests.support.driving import claim, deliver, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
WINDOW = 16


def in_settings(settings, **changed):
    settings.CPDS = {**settings.CPDS, **changed}


@pytest.fixture
def closed(settings):
    """No message may go out until ``opened``."""
    in_settings(settings, window_minimum=0, window_per_slot=0)


def opened(settings, messages):
    in_settings(settings, window_minimum=messages, window_per_slot=0)


def names_of(doorbell):
    name = dict(Task.objects.values_list("pk", "name"))
    return [name[message.task_id] for message in doorbell.messages]


def a_look(queued, running):
    return window.Snapshot(queued={("", 1): queued}, running={("worker@test", "", 1): running}, waiting=[])


class TestWindow:
    @pytest.mark.parametrize(
        ("slots", "queued", "running", "room"),
        [
            (0, 0, 0, 16),
            (8, 0, 0, 16),
            (20, 0, 0, 40),
            (20, 0, 15, 16),
            (20, 0, 25, 16),
            (20, 30, 0, 10),
            (20, 50, 0, 0),
            (20, 10, 10, 10),
        ],
    )
    def test_it_is_two_messages_for_each_free_slot(self, fleet, slots, queued, running, room):
        fleet.free = slots

        assert a_look(queued, running).room() == room

    @pytest.mark.parametrize(("queued", "room"), [(0, 40), (20, 20), (21, 0), (39, 0)])
    def test_when_not_eager_it_opens_at_half(self, fleet, queued, room):
        fleet.free = 20

        assert a_look(queued, 0).room(eager=False) == room

    @pytest.mark.parametrize(("slots", "running", "free"), [(0, 0, False), (2, 2, False), (2, 1, True)])
    def test_a_slot_is_free_when_fewer_run_than_there_are(self, fleet, slots, running, free):
        fleet.free = slots

        assert bool(a_look(9, running).free_slots()) is free

    def test_it_counts_what_is_out_and_what_runs(self, doorbell):
        instance = an_instance(a_task("one"), a_task("two"), a_task("three"))
        Task.objects.filter(pk=task(instance, "two").pk).update(
            status=TaskState.RUNNING, lease_expires_at=Now()
        )

        found = window.take_snapshot()
        project = instance.project_id
        assert (found.queued, found.all_running, found.waiting) == ({("", project): 2}, 1, [])

    def test_messages_that_overtake_others_are_out_as_well(self, doorbell):
        instance = an_instance(*(a_task(f"t{number}") for number in range(3)))
        Task.objects.filter(pk=task(instance, "t1").pk).update(is_express=True)

        found = window.take_snapshot()
        of_all = ("", instance.project_id)
        assert (found.queued, found.express) == ({of_all: 3}, {of_all: 1})


class TestOrder:
    def test_most_urgent_then_longest_way_then_oldest(self, doorbell, settings, closed):
        an_instance(a_task("late", also={"priority": "high"}), *a_chain(3), name="one")
        an_instance(
            a_task("normal"),
            a_task("critical", also={"priority": "critical"}),
            a_task("low", also={"priority": "low"}),
            a_task("other-high", also={"priority": "high"}),
            name="two",
        )
        Task.objects.filter(name="late").update(ready_at=clock.database_now_plus(60))

        for _ in range(6):
            opened(settings, Task.objects.filter(status=TaskState.QUEUED).count() + 1)
            assert pump() == 1

        assert names_of(doorbell) == ["critical", "other-high", "late", "link-0", "normal", "low"]

    def test_an_urgent_task_of_another_instance_goes_first(self, doorbell, settings, closed):
        an_instance(*(a_task(f"slow-{n}") for n in range(5)), name="one")

        opened(settings, 1)
        an_instance(a_task("urgent", also={"priority": "high"}), name="two")

        assert names_of(doorbell) == ["urgent"]

    def test_newcomers_wait_behind_the_backlog(self, doorbell, settings, closed):
        an_instance(a_task("first"), name="one")
        Task.objects.update(ready_at=clock.database_now_plus(-60))

        opened(settings, 1)
        an_instance(a_task("second"), name="two")

        assert names_of(doorbell) == ["first"]

    def test_what_a_completion_made_ready_waits_behind_the_backlog(self, doorbell, settings):
        in_settings(settings, window_minimum=1, window_per_slot=0)
        first = an_instance(a_task("source"), *(a_task(f"of-{n}", needs=["source"]) for n in range(2)))
        held = claim(task(first, "source"))
        in_settings(settings, window_minimum=0)
        an_instance(a_task("urgent", also={"priority": "high"}), name="two")
        opened(settings, 1)
        doorbell.take()

        report_outcome(claim=held, outcome=Completed())

        assert names_of(doorbell) == ["urgent"]


class TestPump:
    def test_nothing_goes_out_without_room(self, doorbell, closed):
        an_instance(a_task("one"))

        assert pump() == 0
        assert doorbell.messages == []
        assert has_backlog()

    def test_no_more_goes_out_than_there_is_room(self, doorbell):
        an_instance(*(a_task(f"t{n}") for n in range(100)))

        assert len(doorbell.messages) == WINDOW
        assert pump() == 0

    def test_it_fills_the_window_from_several_instances(self, doorbell, settings, closed):
        for number in range(5):
            an_instance(*(a_task(f"t{n}") for n in range(2)), name=f"of-{number}")
        opened(settings, 8)

        assert pump() == 8

    @pytest.mark.parametrize("state", sorted(set(InstanceState) - {InstanceState.RUNNING}))
    def test_what_does_not_run_is_not_published(self, doorbell, settings, closed, state):
        stopped = an_instance(
            *(a_task(f"t{n}", also={"priority": "high"}) for n in range(20)), name="stopped"
        )
        Instance.objects.filter(pk=stopped.pk).update(status=state)
        an_instance(a_task("other"), name="other")
        opened(settings, 5)

        pump()

        assert names_of(doorbell) == ["other"]

    def test_what_was_stopped_after_it_was_chosen_is_not_published(
        self, doorbell, settings, closed, monkeypatch
    ):
        instance = an_instance(a_task("only"))
        choose = pumping._foremost

        def choose_and_then_pause(*given):
            chosen = choose(*given)
            Instance.objects.filter(pk=instance.pk).update(status=InstanceState.PAUSED)
            return chosen

        monkeypatch.setattr(pumping, "_foremost", choose_and_then_pause)
        opened(settings, 5)

        assert pump() == 0
        assert doorbell.messages == []
        assert task(instance, "only").status == TaskState.PENDING

    def test_a_broker_that_is_away_is_asked_once(self, doorbell, settings, closed):
        for number in range(5):
            an_instance(a_task("only"), name=f"of-{number}")
        opened(settings, 5)
        doorbell.is_broken = True

        pump()

        assert doorbell.attempts == 1

    def test_a_window_of_thousands_is_filled(self, doorbell, settings):
        in_settings(settings, window_minimum=3000)

        an_instance(*(a_task(f"t{n}") for n in range(2000)))

        assert len(doorbell.messages) == 2000

    def test_a_failure_offers_its_slot_to_others(self, doorbell, fleet, settings):
        in_settings(settings, window_minimum=1, window_per_slot=0)
        failing = an_instance(a_task("fails"), name="one")
        an_instance(a_task("waits"), name="two")

        fail(task(failing, "fails"))

        assert names_of(doorbell)[-1] == "waits"


class TestCanvases:
    def test_each_canvas_has_a_dispatch_of_its_own(self, doorbell):
        an_instance(*diamonds(3), *a_chain(3))

        ids = [dispatch.id for dispatch in doorbell.dispatches]
        assert len(set(ids)) == len(ids) == 4

    def test_rows_say_what_is_out(self, doorbell):
        an_instance(*a_chain(3), *diamonds(2))

        for each in doorbell.dispatches:
            canvas, rows = each.canvas, Task.objects.filter(dispatch_id=each.id)
            assert set(rows.values_list("pk", flat=True)) == {*canvas.heads, *canvas.planned}
            assert set(rows.filter(status=TaskState.QUEUED).values_list("pk", flat=True)) == set(canvas.heads)
            assert rows.filter(published_at__isnull=False).count() == len(canvas.heads)

    def test_a_chain_is_cut_into_pieces(self, doorbell, settings, fleet):
        in_settings(settings, chain_piece=4)

        instance = an_instance(*a_chain(10))
        drive_to_end(instance, doorbell)

        assert [len(canvas.lines[0]) for canvas in doorbell.canvases] == [4, 4, 2]

    def test_a_group_that_does_not_fit_goes_out_one_by_one(self, doorbell, settings, fleet):
        instance = an_instance(*a_fan(WINDOW + 4))
        source = doorbell.take()[0]
        deliver(source, doorbell)

        assert all(not canvas.body for canvas in doorbell.canvases)
        assert drive_to_end(instance, doorbell).status == "completed"

    def test_a_publication_is_an_event_of_each_head(self, doorbell):
        instance = an_instance(*a_chain(2), a_task("alone"))

        queued = Event.objects.filter(instance=instance, kind="task.queued")
        assert sorted(queued.values_list("task__name", flat=True)) == ["alone", "link-0"]


@pytest.mark.django_db(transaction=True)
def test_planning_needs_its_caller_s_transaction(doorbell):
    with pytest.raises(TransactionRequired):
        mark_ready(Task.objects.all())
    with pytest.raises(TransactionRequired):
        dispatch(instance=Instance(), heads=[], room=lambda _: Room(messages=1))


def test_a_sweep_publishes_what_no_one_else_did(doorbell, fleet, settings, closed):
    an_instance(a_task("one"))
    opened(settings, 5)

    assert sweep_now().published == 1
