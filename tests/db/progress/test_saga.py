"""What completed is undone in reverse order of completion, once, and told plainly."""

import pytest
from django.db import connection

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.attempts.inputs import read_upstream, render_arguments
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.lookup.fleet import LiveWorker
from tasks_app.services.progress.saga import still_runs
from tasks_app.services.queries import instance_status
from tasks_app.services.queries.views.instances import ProgressView
from tasks_app.services.submit.instances import rerun_instance, submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import TaskState
from tests.support.builders import a_task, a_workflow
from tests.support.driving import claim, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.undoing import (
    completion_order,
    drive,
    failing,
    names_in,
    ring,
    undo_order,
    undoable,
)

pytestmark = pytest.mark.django_db(transaction=True)
SAGA = {"on_failure": "compensate"}


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


def three_and_a_failure(**more):
    return an_instance(
        undoable("a"),
        undoable("b", needs=["a"]),
        a_task("unmarked", needs=["b"]),
        undoable("c", needs=["unmarked"]),
        a_task("bad", needs=["c"]),
        undoable("never", needs=["bad"]),
        **{**SAGA, **more},
    )


def test_it_undoes_in_reverse_order_of_completion(doorbell):
    instance = drive(three_and_a_failure(), doorbell, failing("bad"))

    assert instance.status == "compensated"
    assert undo_order(instance) == ["c", "b", "a"]
    assert names_in(instance, TaskState.COMPENSATED) == {"a", "b", "c"}
    assert names_in(instance, TaskState.COMPLETED) == {"unmarked"}
    assert instance.error_message == "bad: bad broke"
    assert_history_is_sound(instance)


def test_parallel_branches_are_undone_in_the_order_the_ledger_tells(doorbell):
    instance = an_instance(
        *(undoable(f"t{n}") for n in range(6)), a_task("bad", needs=[f"t{n}" for n in range(6)]), **SAGA
    )
    for name in ("t4", "t0", "t5", "t2", "t1", "t3"):
        report_outcome(claim=claim(task(instance, name)), outcome=Completed())

    drive(instance, doorbell, failing("bad"))

    assert undo_order(instance) == ["t3", "t1", "t2", "t5", "t0", "t4"]
    assert completion_order(instance) == undo_order(instance)[::-1]


def test_nothing_is_undone_while_a_sibling_runs(doorbell):
    instance = an_instance(undoable("done"), undoable("slow"), a_task("bad", needs=["done"]), **SAGA)
    slow = claim(task(instance, "slow"))
    report_outcome(claim=claim(task(instance, "done")), outcome=Completed())
    report_outcome(claim=claim(task(instance, "bad")), outcome=Failed(kind="exception", message="no"))
    instance.refresh_from_db()
    assert instance.status == "running"

    report_outcome(claim=slow, outcome=Completed())

    instance.refresh_from_db()
    assert instance.status == "compensating"
    drive(instance, doorbell, failing())
    assert undo_order(instance) == ["slow", "done"]


def test_nothing_is_undone_while_an_instance_that_it_started_goes_on(doorbell):
    instance = an_instance(undoable("a"), **SAGA)
    child = an_instance(a_task("inner"), name="inner")
    Instance.objects.filter(pk=child.pk).update(parent_task=task(instance, "a"))

    assert still_runs(instance)
    Instance.objects.filter(pk=child.pk).update(status="cancelled")
    assert not still_runs(instance)


def test_an_undo_starts_only_after_the_one_before_it(doorbell):
    instance = an_instance(undoable("a"), undoable("b", needs=["a"]), a_task("bad", needs=["b"]), **SAGA)
    for name in "ab":
        report_outcome(claim=claim(task(instance, name)), outcome=Completed())
    report_outcome(claim=claim(task(instance, "bad")), outcome=Failed(kind="exception", message="no"))

    with pytest.raises(StaleDispatch):
        claim(task(instance, "undo a"))
    report_outcome(claim=claim(task(instance, "undo b")), outcome=Completed())
    assert claim(task(instance, "undo a")).compensates == task(instance, "a").pk


def test_a_failure_with_nothing_to_undo_is_just_a_failure(doorbell):
    instance = drive(
        an_instance(a_task("plain"), a_task("bad", needs=["plain"]), **SAGA), doorbell, failing("bad")
    )

    assert instance.status == "failed"
    assert not Task.objects.filter(instance=instance, compensates__isnull=False).exists()


def test_an_undo_sees_what_it_undoes(doorbell, fleet):
    fleet.others = [LiveWorker(holder="snake@test", slots=2, capabilities=frozenset({"python"}))]
    undo = {
        "run": "echo",
        "with": {
            "made": "{{ output.n }}",
            "own": "{{ tasks.b.output.n }}",
            "before": "{{ tasks.a.output }}",
            "name": "{{ task.name }}",
            "param": "{{ params.word }}",
        },
    }
    source = a_workflow(
        undoable("a"),
        a_task("b", needs=["a"], also={"compensate": undo, "retry": 2, "timeout": 7, "requires": ["python"]}),
        a_task("bad", needs=["b"]),
        params={"word": "w"},
        **SAGA,
    )
    key = submit_instance(workflow=upload_workflow(source=source.encode()).workflow_id)
    instance = Instance.objects.get(public_id=key)
    report_outcome(claim=claim(task(instance, "a")), outcome=Completed(output=[1]))
    report_outcome(claim=claim(task(instance, "b")), outcome=Completed(output={"n": 5}))
    report_outcome(claim=claim(task(instance, "bad")), outcome=Failed(kind="exception", message="no"))

    held = claim(task(instance, "undo b"))

    assert render_arguments(held) == {"made": 5, "own": 5, "before": [1], "name": "b", "param": "w"}
    assert read_upstream(claim=held, name="b") == {"n": 5}
    assert read_upstream(claim=held, name="a") == [1]
    row = task(instance, "undo b")
    assert (row.timeout_seconds, row.requires, row.spec["retry"]["count"]) == (7, ["python"], 2)


def test_an_undo_that_fails_for_good_is_told_and_can_be_retried(doorbell):
    instance = drive(three_and_a_failure(), doorbell, failing("bad", "undo b"))

    assert instance.status == "failed"
    assert instance.error_message == (
        "bad: bad broke. The compensation failed at undo b: undo b broke. Undone: c. Not undone: b, a."
    )
    ended = Event.objects.filter(instance=instance, kind="instance.failed").latest("id")
    assert ended.data == {"undone": ["c"], "not_undone": ["b", "a"]}
    assert names_in(instance, TaskState.COMPLETED) == {"a", "b", "unmarked"}
    assert names_in(instance, TaskState.SKIPPED, undo=True) == {"undo a"}

    retry_instance(given=instance.public_id, by="ann")

    instance.refresh_from_db()
    assert instance.status == "compensating"
    drive(instance, doorbell, failing("bad"))
    assert instance.status == "compensated"
    assert instance.error_message == "bad: bad broke"
    assert undo_order(instance) == ["c", "b", "a"]
    assert names_in(instance, TaskState.COMPENSATED) == {"a", "b", "c"}
    assert names_in(instance, TaskState.SKIPPED) == {"never"}
    assert task(instance, "bad").attempts == 1


def test_it_may_fail_and_be_retried_many_times(doorbell):
    instance = drive(three_and_a_failure(), doorbell, failing("bad", "undo a"))
    for _ in range(3):
        retry_instance(given=instance.public_id)
        drive(instance, doorbell, failing("undo a"))
        assert instance.error_message.endswith("Undone: c, b. Not undone: a.")
        assert instance.error_message.startswith("bad: bad broke. The compensation failed at undo a")

    cancel_instance(given=instance.public_id, compensate=True)

    assert drive(instance, doorbell, failing()).status == "compensated"
    assert task(instance, "undo a").attempts == 5


def test_an_undo_is_tried_again_by_the_task_s_policy(doorbell):
    instance = an_instance(
        undoable("a", also={"retry": {"count": 2, "interval": 0.01}}), a_task("bad", needs=["a"]), **SAGA
    )

    def act(held):
        if held.name == "undo a" and held.attempt < 3:
            return Failed(kind="exception", message="not yet", retryable=True)
        return failing("bad")(held)

    assert drive(instance, doorbell, act).status == "compensated"
    records = ExecutionRecord.objects.filter(task__name="undo a").order_by("number")
    assert [record.status for record in records] == ["failed", "failed", "completed"]


def test_an_undo_that_kills_its_workers_is_quarantined_and_stops_the_compensation(doorbell, settings):
    instance = an_instance(undoable("a"), undoable("b", needs=["a"]), a_task("bad", needs=["b"]), **SAGA)
    ring(doorbell, failing("bad"), until=lambda: Task.objects.filter(name="undo b").exists())
    for _ in range(3):
        claim(task(instance, "undo b"))
        Task.objects.filter(name="undo b").update(lease_expires_at=clock.database_now_plus(-1))
        sweep_now()

    instance.refresh_from_db()
    assert instance.status == "failed"
    assert "Undone: nothing. Not undone: b, a." in instance.error_message
    assert names_in(instance, TaskState.COMPLETED) == {"a", "b"}


def test_an_undo_is_fenced_like_any_task(doorbell):
    instance = three_and_a_failure()
    ring(doorbell, failing("bad"), until=lambda: Task.objects.filter(name="undo c").exists())
    late = claim(task(instance, "undo c"))
    Task.objects.filter(name="undo c").update(lease_expires_at=clock.database_now_plus(-1))
    sweep_now()

    with pytest.raises(StaleDispatch):
        report_outcome(claim=late, outcome=Completed())

    assert task(instance, "c").status == "compensating"
    drive(instance, doorbell, failing())
    assert undo_order(instance) == ["c", "b", "a"]


def test_no_task_starts_forward_while_it_compensates(doorbell):
    instance = three_and_a_failure()
    ring(doorbell, failing("bad"), until=lambda: Task.objects.filter(name="undo c").exists())
    Task.objects.filter(instance=instance, name="never").update(status="queued", dispatch_id="d", gate="")
    Dependency.objects.filter(task__name="never").delete()

    with pytest.raises(StaleDispatch):
        claim_task(task_id=task(instance, "never").pk, dispatch_id="d", worker="w")


def test_an_undo_does_not_start_unless_its_instance_compensates(doorbell):
    instance = three_and_a_failure()
    ring(doorbell, failing("bad"), until=lambda: Task.objects.filter(name="undo c").exists())
    Instance.objects.filter(pk=instance.pk).update(status="running")
    row = task(instance, "undo c")

    with pytest.raises(StaleDispatch):
        claim_task(task_id=row.pk, dispatch_id=row.dispatch_id, worker="w")


def test_an_instance_out_of_time_is_compensated_and_has_no_limit_meanwhile(doorbell):
    instance = an_instance(undoable("a"), a_task("b", needs=["a"]), timeout="1h", **SAGA)
    report_outcome(claim=claim(task(instance, "a")), outcome=Completed())
    Instance.objects.update(deadline_at=clock.database_now_plus(-1))

    assert sweep_now().ended == 1

    instance.refresh_from_db()
    assert (instance.status, instance.deadline_at) == ("compensating", None)
    assert drive(instance, doorbell, failing()).error_message == "the instance ran out of time"


def test_what_a_rerun_shares_is_its_origin_s_to_undo(doorbell):
    origin = drive(an_instance(undoable("a"), undoable("b", needs=["a"]), **SAGA), doorbell, failing())
    again = Instance.objects.get(public_id=rerun_instance(given=origin.public_id, from_task="b"))
    cancel_instance(given=again.public_id, compensate=True)
    again.refresh_from_db()
    assert again.status == "cancelled"

    third = Instance.objects.get(public_id=rerun_instance(given=origin.public_id, from_task="b"))
    report_outcome(claim=claim(task(third, "b")), outcome=Failed(kind="exception", message="no"))

    third.refresh_from_db()
    assert third.status == "failed"


def test_what_was_undone_is_not_shared_with_a_rerun(doorbell):
    origin = drive(three_and_a_failure(), doorbell, failing("bad"))

    again = Instance.objects.get(public_id=rerun_instance(given=origin.public_id, from_task="bad"))

    assert task(again, "a").status in ("pending", "queued")
    assert drive(again, doorbell, failing()).status == "completed"


def test_progress_counts_the_workflow_s_tasks_only(doorbell):
    instance = three_and_a_failure()
    ring(doorbell, failing("bad"), until=lambda: Task.objects.filter(name="undo c").exists())
    status = instance_status(instance.public_id)
    assert status.progress == ProgressView(total=6, completed=1, running=3, failed=2, pending=0)
    assert [each.name for each in status.tasks][6:] == ["undo c", "undo b", "undo a"]

    drive(instance, doorbell, failing())

    progress = instance_status(instance.public_id).progress
    assert progress == ProgressView(total=6, completed=4, running=0, failed=2, pending=0)


def test_an_undo_s_name_is_one_of_its_own(doorbell):
    long = "n" * 200
    instance = an_instance(
        undoable("a"), a_task("undo a"), undoable(long), a_task("bad", needs=["a", "undo a", long]), **SAGA
    )

    drive(instance, doorbell, failing("bad"))

    names = names_in(instance, TaskState.COMPLETED, undo=True)
    assert names == {"undo a (2)", f"undo {long}"[:200]}


def test_a_failure_during_a_pause_is_compensated_at_resume(doorbell):
    instance = an_instance(undoable("a"), a_task("bad", needs=["a"]), a_task("c", needs=["bad"]), **SAGA)
    report_outcome(claim=claim(task(instance, "a")), outcome=Completed())
    held = claim(task(instance, "bad"))
    pause_instance(given=instance.public_id)
    report_outcome(claim=held, outcome=Failed(kind="exception", message="no"))
    sweep_now()

    resume_instance(given=instance.public_id)

    assert drive(instance, doorbell, failing()).status == "compensated"


def test_a_long_line_of_undos_takes_a_steady_number_of_statements(doorbell, django_assert_max_num_queries):
    instance = an_instance(*(undoable(f"t{n}") for n in range(60)), a_task("bad"), **SAGA)
    for n in range(60):
        report_outcome(claim=claim(task(instance, f"t{n}")), outcome=Completed())
    held = claim(task(instance, "bad"))

    with django_assert_max_num_queries(60, connection=connection):
        report_outcome(claim=held, outcome=Failed(kind="exception", message="no"))

    assert Task.objects.filter(instance=instance, compensates__isnull=False).count() == 60
