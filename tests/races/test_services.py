"""Services called at the same moment: one wins, none is lost, nobody waits for another for ever."""

import threading

import pytest
from django.db import connection, connections

from cpds.base import db
from tasks_app.errors import StaleDispatch
from tasks_app.models import Chore, ExecutionRecord, Instance, Project, Task, Workflow, WorkflowVersion
from tasks_app.outcomes import Completed
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.maintenance.sweep import Swept, advance_unsettled, sweep
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import release_followers
from tasks_app.services.workflows.definitions import WorkflowUpload, upload_workflow
from tasks_app.states import TaskState
from tests.support.builders import a_chain, a_task, a_workflow
from tests.support.driving import claim, complete, drive_to_end, forget_sweeps, let_time_pass
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
ROUNDS = 15


def test_of_several_claims_one_wins(doorbell, fleet, together):
    for _ in range(ROUNDS):
        row = task(an_instance(a_task("only")), "only")

        answers = together(
            *(
                lambda row=row, name=name: claim_task(
                    task_id=row.pk, dispatch_id=row.dispatch_id, worker=name
                )
                for name in ("a", "b", "c", "d")
            )
        )

        (won,) = [each for each in answers if isinstance(each, Claim)]
        assert sum(isinstance(each, StaleDispatch) for each in answers) == 3
        record = ExecutionRecord.objects.get(task=row)
        assert record.worker == won.worker


def test_of_a_report_and_a_rescue_one_wins(doorbell, fleet, together):
    for _ in range(ROUNDS):
        instance = an_instance(*a_chain(2))
        held = claim(task(instance, "link-0"))
        let_time_pass()

        reported, swept = together(
            lambda held=held: report_outcome(claim=held, outcome=Completed(output="x")), sweep
        )

        assert isinstance(swept, Swept)
        status = ExecutionRecord.objects.get(task_id=held.task_id, number=1).status
        assert (reported is True, status) in {(True, "completed"), (False, "lost")}
        drive_to_end(instance, doorbell)
        assert_history_is_sound(instance)


def test_of_two_sweeps_one_runs(doorbell, fleet, together):
    for _ in range(ROUNDS):
        forget_sweeps()

        answers = together(sweep, sweep)

        assert sorted(type(each).__name__ for each in answers) == ["NoneType", "Swept"]
    Chore.objects.all().delete()
    answers = together(sweep, sweep)
    assert sorted(type(each).__name__ for each in answers) == ["NoneType", "Swept"]


@pytest.mark.parametrize("is_same", [True, False])
def test_uploads_at_once_make_a_version_each_or_one_together(together, is_same):
    sources = [a_workflow(a_task("same" if is_same else f"t{n}")).encode() for n in range(4)]

    answers = together(*(lambda source=source: upload_workflow(source=source) for source in sources))

    assert all(isinstance(each, WorkflowUpload) for each in answers), answers
    numbers = sorted(WorkflowVersion.objects.values_list("number", flat=True))
    assert numbers == ([1] if is_same else [1, 2, 3, 4])
    assert sum(each.created for each in answers) == len(numbers)


def test_the_last_two_tasks_close_their_instance_once(doorbell, fleet, together):
    for _ in range(ROUNDS):
        instance = an_instance(a_task("left"), a_task("right"))
        held = [claim(task(instance, name)) for name in ("left", "right")]

        together(
            *(lambda each=each: report_outcome(claim=each, outcome=Completed(output=1)) for each in held)
        )

        instance.refresh_from_db()
        assert instance.status == "completed"
        assert instance.events.filter(kind="instance.completed").count() == 1


def test_a_follower_freed_while_what_it_needs_completes_is_not_forgotten(doorbell, fleet):
    """The three that meet: a release not yet committed, a completion that does not see it, and a sweep."""
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time: the three cannot meet")
    instance = an_instance(*a_chain(2))
    dispatch_id = task(instance, "link-0").dispatch_id
    released, go_on = threading.Event(), threading.Event()

    def release():
        with db.transaction():
            Instance.objects.locked(instance.pk)
            release_followers(instance_id=instance.pk, dispatch_ids=[dispatch_id])
            released.set()
            go_on.wait(30)
        connections.close_all()

    def settle():
        advance_unsettled()
        connections.close_all()

    releasing, sweeping = threading.Thread(target=release), threading.Thread(target=settle)
    releasing.start()
    assert released.wait(30)
    complete(task(instance, "link-0"))
    sweeping.start()
    wait_until(lambda: is_waiting_for_a_lock() or not sweeping.is_alive(), message="the sweep to get there")
    go_on.set()
    releasing.join(30)
    sweeping.join(30)

    assert task(instance, "link-1").status == TaskState.QUEUED


@pytest.mark.parametrize("of", ["workflow", "project"])
def test_who_plans_waits_for_whoever_takes_a_place_under_the_same_limit(doorbell, fleet, settings, of):
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time waits anyway")
    settings.CPDS = {**settings.CPDS, "window_minimum": 0, "window_per_slot": 0}
    instance = an_instance(a_task("only"), **({"max_running": 1} if of == "workflow" else {}))
    limits = Workflow.objects.filter(pk=instance.workflow_id)
    if of == "project":
        limits = Project.objects.filter(pk=instance.project_id)
        limits.update(max_parallel=1)
    settings.CPDS = {**settings.CPDS, "window_minimum": 1}

    locked, go_on = threading.Event(), threading.Event()

    def take_a_place():
        with db.transaction():
            db.locking(limits).first()
            locked.set()
            go_on.wait(30)
        connections.close_all()

    def plan():
        pump()
        connections.close_all()

    taking, planning = threading.Thread(target=take_a_place), threading.Thread(target=plan)
    taking.start()
    assert locked.wait(30)
    planning.start()
    wait_until(lambda: is_waiting_for_a_lock() or not planning.is_alive(), message="the planner to wait")
    is_published = task(instance, "only").status == TaskState.QUEUED
    go_on.set()
    taking.join(30)
    planning.join(30)

    assert not is_published
    assert task(instance, "only").status == TaskState.QUEUED


def is_waiting_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return cursor.fetchone()[0] > 0


def test_no_two_movers_wait_for_each_other(doorbell, fleet, together):
    """Reports, a failure and sweeps in one instance: whoever is first, all end and the instance does."""
    for _ in range(ROUNDS):
        instance = an_instance(*(a_task(f"t{n}") for n in range(6)), *a_chain(3))
        held = [claim(task(instance, f"t{n}")) for n in range(5)]
        forget_sweeps()

        answers = together(
            *(lambda each=each: report_outcome(claim=each, outcome=Completed(output=1)) for each in held),
            sweep,
        )

        assert [each for each in answers if isinstance(each, Exception)] == []
        drive_to_end(instance, doorbell)
        assert_history_is_sound(instance)
        assert Task.objects.filter(instance=instance, status=TaskState.COMPLETED).count() == 9
