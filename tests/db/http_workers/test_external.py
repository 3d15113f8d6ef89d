"""Workers that speak HTTP: what is offered to them, how they take it, keep it and report on it."""

import pytest

from tasks_app.errors import NotOffered, StaleDispatch
from tasks_app.models import ExecutionRecord, Project
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.leases import renew_claims
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance
from tasks_app.services.explain.holds import HoldKind
from tasks_app.services.explain.why import why_waiting
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.http_workers.offers import pending
from tasks_app.services.maintenance import overdue
from tasks_app.services.publishing import window
from tasks_app.states import InstanceState, RecordState, TaskState
from tests.support.builders import a_task
from tests.support.driving import complete, deliver, drive_to_end, let_time_pass, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.loose import an_external, attempt_at, created, loose

pytestmark = pytest.mark.django_db
BROKEN = Failed(kind="worker_error", message="broken", retryable=True)


def offered(**more):
    return [each.task_id for each in pending(project=Project.objects.default(), **more)]


def taken(task_id="a", worker="w1"):
    return assign(task=loose(task_id), worker=worker)


def test_it_is_offered_and_never_published(doorbell, fleet):
    created(an_external("a"))
    let_time_pass()
    sweep_now()

    assert doorbell.take() == []
    assert (loose("a").status, loose("a").dispatch_id) == (TaskState.PENDING, None)
    assert offered() == ["a"]
    assert [hold.kind for hold in why_waiting(loose("a"))] == [HoldKind.EXTERNAL]


def test_others_are_published_beside_it(doorbell, fleet):
    created(an_external("a", priority=9), {"task_id": "b", "run": "noop"})

    assert [message.task_id for message in doorbell.take()] == [loose("b").pk]


def test_the_most_urgent_is_offered_first_then_the_oldest(doorbell):
    created(
        an_external("low", priority="low"),
        an_external("a"),
        an_external("b"),
        an_external("top", priority="high"),
    )

    assert offered() == ["top", "a", "b", "low"]
    assert offered(limit=2) == ["top", "a"]


def test_only_what_a_worker_is_capable_of_is_offered(doorbell):
    created(
        an_external("plain"),
        an_external("git", requires=["git"]),
        an_external("both", requires=["git", "gpu"]),
    )

    assert offered(capabilities=[]) == ["plain"]
    assert offered(capabilities=["git"]) == ["plain", "git"]


def test_register_to_complete(doorbell, fleet):
    instance = created(an_external("a"), an_external("b", needs=["a"]))
    assert offered() == ["a"]

    claim = taken()
    assert (loose("a").status, loose("a").worker) == (TaskState.RUNNING, "w1")
    assert claim.dispatch_id == loose("a").dispatch_id
    attempt_at(loose("a")).progress(fraction=0.5, message="half")
    assert (loose("a").progress, loose("a").progress_message) == (0.5, "half")
    attempt_at(loose("a")).end(outcome=Completed(output={"lines": 3}))

    assert (loose("a").status, loose("a").output) == (TaskState.COMPLETED, {"lines": 3})
    record = ExecutionRecord.objects.get(task=loose("a"))
    assert (record.status, record.worker, record.output) == (RecordState.COMPLETED, "w1", {"lines": 3})
    assert offered() == ["b"]
    taken("b")
    attempt_at(loose("b")).end(outcome=Completed())
    instance.refresh_from_db()
    assert instance.status == InstanceState.COMPLETED
    assert_history_is_sound()


def test_it_is_given_once(doorbell):
    created(an_external("a"))
    taken()

    with pytest.raises(NotOffered, match="it is running"):
        taken(worker="w2")
    assert offered() == []


def test_what_it_needs_comes_first(doorbell):
    created(an_external("a"), an_external("b", needs=["a"]))

    with pytest.raises(NotOffered, match="waits for something else"):
        taken("b")


def test_what_is_not_for_it_is_not_given(doorbell, fleet):
    created({"task_id": "a", "run": "noop"})

    with pytest.raises(NotOffered):
        taken()


@pytest.mark.parametrize(
    "act",
    [
        lambda row: attempt_at(row, worker="w2").end(outcome=Completed()),
        lambda row: attempt_at(row, worker="w2").end(outcome=BROKEN),
        lambda row: attempt_at(row, worker="w2").progress(fraction=1),
        lambda row: attempt_at(row, worker="w2").log(lines=["x"]),
        lambda row: attempt_at(row, dispatch_id="0" * 24).end(outcome=Completed()),
    ],
)
def test_whoever_does_not_hold_it_changes_nothing(doorbell, act):
    created(an_external("a"))
    taken()

    with pytest.raises(StaleDispatch):
        act(loose("a"))

    assert loose("a").status == TaskState.RUNNING


def test_a_silent_worker_loses_it_and_another_one_gets_it(doorbell, fleet):
    created(an_external("a"))
    first = taken()
    sweep_now()
    let_time_pass()
    sweep_now()
    sweep_now()

    assert offered() == ["a"]
    assert doorbell.take() == []
    second = taken(worker="w2")
    assert second.attempt == 2
    with pytest.raises(StaleDispatch):
        Attempt.of(first).end(outcome=Completed())
    attempt_at(loose("a")).end(outcome=Completed())
    assert_history_is_sound()


def test_renewing_keeps_everything_it_holds(doorbell):
    created(an_external("a"), an_external("b"), an_external("c"))
    held = {taken(each).fence for each in ("a", "b")}
    taken("c", worker="w2")
    let_time_pass()

    assert renew_claims(worker="w1") == held
    sweep_now()

    assert [loose(each).status for each in "ab"] == [TaskState.RUNNING] * 2


def test_what_was_cancelled_is_not_renewed(doorbell):
    instance = created(an_external("a"))
    taken()

    cancel_instance(given=instance.public_id)

    assert renew_claims(worker="w1") == set()


def test_a_failure_is_retried_as_the_policy_says(doorbell, fleet):
    created(an_external("a", retry={"count": 1, "interval": "1s"}), an_external("b", needs=["a"]))
    taken()
    attempt_at(loose("a")).end(outcome=BROKEN)
    assert (loose("a").status, loose("a").failures) == (TaskState.WAITING, 1)

    from cpds.base import clock
    from tasks_app.models import Task

    Task.objects.filter(task_id="a").update(wake_at=clock.database_now_plus(-1))
    sweep_now()
    assert offered() == ["a"]
    taken()
    attempt_at(loose("a")).end(outcome=BROKEN)

    assert (loose("a").status, loose("a").error_kind) == (TaskState.FAILED, "worker_error")
    assert loose("b").status == TaskState.SKIPPED


def test_an_attempt_that_takes_too_long_fails(doorbell, fleet):
    from cpds.base import clock
    from tasks_app.models import Task

    created(an_external("a", timeout="5s"))
    taken()
    sweep_now()
    assert loose("a").status == TaskState.RUNNING
    Task.objects.filter(task_id="a").update(started_at=clock.database_now_plus(-6))

    sweep_now()

    assert (loose("a").status, loose("a").error_kind) == (TaskState.FAILED, "timeout")


def test_an_attempt_that_takes_too_long_fails_behind_many_that_do_not(doorbell, fleet, monkeypatch):
    from cpds.base import clock
    from tasks_app.models import Task

    monkeypatch.setattr(overdue, "BATCH", 2)
    created(*(an_external(name, timeout="1h") for name in ("a", "b", "c", "d", "late")))
    for name in ("a", "b", "c", "d", "late"):
        taken(name)
    Task.objects.filter(task_id="late").update(started_at=clock.database_now_plus(-3601))

    assert overdue.end_overdue_attempts() == 1

    assert (loose("late").status, loose("late").error_kind) == (TaskState.FAILED, "timeout")
    assert loose("d").status == TaskState.RUNNING


def test_in_a_workflow_it_waits_in_the_middle(doorbell, fleet):
    instance = an_instance(
        a_task("before"),
        a_task("outside", run="external", needs=["before"]),
        a_task("after", needs=["outside"]),
    )
    complete(task(instance, "before"))
    assert task(instance, "after").dispatch_id is None

    row = task(instance, "outside")
    assign(task=row, worker="w1")
    attempt_at(task(instance, "outside")).end(outcome=Completed(output=1))

    drive_to_end(instance, doorbell)
    assert instance.status == InstanceState.COMPLETED
    assert_history_is_sound()


def test_its_gates_are_passed_before_it_is_offered(doorbell, fleet):
    created(an_external("yes", when="{{ 1 == 1 }}"), an_external("no", when="{{ 1 == 2 }}"))
    assert offered() == []

    for message in doorbell.take():
        deliver(message, doorbell)

    assert offered() == ["yes"]
    assert loose("no").status == TaskState.SKIPPED
    taken("yes")
    attempt_at(loose("yes")).end(outcome=Completed())
    assert_history_is_sound()


def test_items_are_offered_one_by_one(doorbell, fleet):
    instance = created(an_external("list", for_each=[1, 2]))
    for message in doorbell.take():
        deliver(message, doorbell)

    for row in pending(project=Project.objects.default()):
        Attempt.of(assign(task=row, worker="w1")).end(outcome=Completed(output=row.item_index))

    instance.refresh_from_db()
    assert (instance.status, loose("list").output) == (InstanceState.COMPLETED, [0, 1])


def test_of_a_paused_instance_nothing_is_offered(doorbell):
    instance = created(an_external("a"))
    pause_instance(given=instance.public_id)

    assert offered() == []
    with pytest.raises(NotOffered, match="paused"):
        taken()


def test_it_takes_no_slot_of_the_others(doorbell, fleet):
    created(an_external("a"))
    taken()

    look = window.take_snapshot()
    assert (dict(look.queued), look.all_running) == ({}, 0)


def test_an_instance_runs_no_more_than_it_may(doorbell, fleet):
    instance = an_instance(a_task("a", run="external"), a_task("b", run="external"), max_parallel=1)
    assign(task=task(instance, "a"), worker="w1")

    with pytest.raises(NotOffered, match="no more may be at once"):
        assign(task=task(instance, "b"), worker="w1")
