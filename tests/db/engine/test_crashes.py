"""A process dies at any statement, commit or publication: the instance ends all the same, nothing twice."""

from collections.abc import Callable
from itertools import count

import pytest

from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.outcomes import Completed, Failed, Interrupted
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.maintenance.sweep import free_claims_of
from tasks_app.services.progress.advance import advance
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import RecordState, TaskState
from tests.support.builders import a_chain, a_diamond, a_task, a_workflow
from tests.support.crashing import crash_at
from tests.support.doorbell import Doorbell
from tests.support.driving import WORKER, deliver, drive_to_end, let_time_pass, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SHAPE = (
    *a_chain(2),
    *a_diamond(prefix="d"),
    a_task("join", needs=["link-1", "d-left"]),
    a_task("tail", needs=["join"]),
)
Act = Callable[[], object]
FAILS = Failed(kind="exception", message="as asked")


def started(doorbell: Doorbell, done: int = 0) -> Instance:
    """Return an instance of which ``done`` tasks have completed, its messages in the doorbell."""
    doorbell.take()
    instance = an_instance(*SHAPE)
    while done:
        message = doorbell.messages.pop(0)
        done -= deliver(message, doorbell)
    return instance


def delivery(instance: Instance, doorbell: Doorbell) -> Act:
    message = doorbell.messages.pop(0)
    return lambda: deliver(message, doorbell)


def failing_delivery(instance: Instance, doorbell: Doorbell) -> Act:
    message = doorbell.messages.pop(0)
    return lambda: deliver(message, doorbell, outcome=FAILS)


def interrupted_delivery(instance: Instance, doorbell: Doorbell) -> Act:
    message = doorbell.messages.pop(0)
    return lambda: deliver(message, doorbell, outcome=Interrupted(reason="shutdown"))


def planning(instance: Instance, doorbell: Doorbell) -> Act:
    for row in Task.objects.filter(instance=instance, status=TaskState.QUEUED):
        complete_unnoticed(row)
    return lambda: advance(instance_id=instance.pk)


def sweep_after_losses(instance: Instance, doorbell: Doorbell) -> Act:
    """Lost: every message, a worker in the middle of a task, one between its commit and what follows."""
    running, finished, *_ = Task.objects.filter(instance=instance, status=TaskState.QUEUED)
    claim_task(task_id=running.pk, dispatch_id=running.dispatch_id, worker=WORKER)
    complete_unnoticed(finished)
    doorbell.take()
    let_time_pass()
    return sweep_now


def sweep_after_a_failure(instance: Instance, doorbell: Doorbell) -> Act:
    finished, *_ = Task.objects.filter(instance=instance, status=TaskState.QUEUED)
    complete_unnoticed(finished, outcome=FAILS)
    let_time_pass()
    return sweep_now


def sweep_of_a_poisonous_task(instance: Instance, doorbell: Doorbell) -> Act:
    row, *_ = Task.objects.filter(instance=instance, status=TaskState.QUEUED)
    claim_task(task_id=row.pk, dispatch_id=row.dispatch_id, worker=WORKER)
    Task.objects.filter(pk=row.pk).update(losses=2)
    let_time_pass()
    return sweep_now


def worker_started_anew(instance: Instance, doorbell: Doorbell) -> Act:
    for row in Task.objects.filter(instance=instance, status=TaskState.QUEUED):
        claim_task(task_id=row.pk, dispatch_id=row.dispatch_id, worker=WORKER)
    return lambda: free_claims_of(worker=WORKER)


def complete_unnoticed(row: Task, outcome: Completed | Failed | None = None) -> None:
    """Finish a task as a worker does that dies right after its commit."""
    doorbell = Doorbell()
    held = claim_task(task_id=row.pk, dispatch_id=row.dispatch_id or "", worker=WORKER)
    for point in count(1):
        with crash_at(point, doorbell):
            report_outcome(claim=held, outcome=outcome or Completed(output="x"))
        row.refresh_from_db()
        if row.status != TaskState.RUNNING:
            return


@pytest.mark.parametrize(
    ("prepared", "done", "ends"),
    [
        pytest.param(delivery, 0, {"completed"}, id="the first task completes"),
        pytest.param(delivery, 3, {"completed"}, id="a task in the middle completes"),
        pytest.param(delivery, 6, {"completed"}, id="the last but one completes"),
        pytest.param(delivery, 7, {"completed"}, id="the last task completes"),
        pytest.param(failing_delivery, 0, {"completed", "failed"}, id="the first task fails"),
        pytest.param(failing_delivery, 7, {"completed", "failed"}, id="the last task fails"),
        pytest.param(interrupted_delivery, 2, {"completed"}, id="a task is handed back"),
        pytest.param(planning, 1, {"completed"}, id="what follows is planned"),
        pytest.param(sweep_after_losses, 2, {"completed"}, id="a sweep after losses"),
        pytest.param(sweep_after_a_failure, 2, {"failed"}, id="a sweep after a failure"),
        pytest.param(sweep_of_a_poisonous_task, 2, {"failed"}, id="a sweep of a poisonous task"),
        pytest.param(worker_started_anew, 2, {"completed"}, id="a worker is started anew"),
    ],
)
def test_an_instance_survives_a_death_at_any_point(prepared, done, ends, doorbell, fleet):
    for point in count(1):
        instance = started(doorbell, done)
        act = prepared(instance, doorbell)

        with crash_at(point, doorbell) as fuse:
            act()

        drive_to_end(instance, doorbell)
        assert instance.status in ends, f"after a death at point {point}"
        assert_ended_well(instance)
        Task.objects.update(settled=True)  # so that a sweep has nothing to do for earlier instances
        if not fuse.has_blown:
            assert point > 1
            return


def test_a_submission_survives_a_death_at_any_point(doorbell, fleet):
    uploaded = upload_workflow(source=a_workflow(*SHAPE).encode())
    for point in count(1):
        before = Instance.objects.count()

        with crash_at(point, doorbell) as fuse:
            submit_instance(workflow=uploaded.workflow_id)

        # Until the commit there is nothing; from then on all of it, and it goes on by itself.
        for instance in Instance.objects.order_by("pk")[before:]:
            assert drive_to_end(instance, doorbell).status == "completed", f"after a death at point {point}"
            assert_ended_well(instance)
        if not fuse.has_blown:
            assert Instance.objects.count() > before
            return


def assert_ended_well(instance: Instance) -> None:
    assert_history_is_sound(instance)
    assert not ExecutionRecord.objects.filter(task__instance=instance, status=RecordState.RUNNING).exists()
    if instance.status == "completed":
        assert set(Task.objects.filter(instance=instance).values_list("status", flat=True)) == {"completed"}
    else:
        assert instance.error_message
