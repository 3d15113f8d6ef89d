"""Whatever a task waits for, one function says so."""

import contextlib
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpds.base import clock, db
from tasks_app.errors import CPDSError
from tasks_app.models import Event, Instance, Task
from tasks_app.outcomes import Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.explain.holds import HoldKind
from tasks_app.services.explain.why import why_instance, why_many, why_waiting
from tasks_app.services.submit.instances import submit_instance
from tasks_app.states import INSTANCE_FINAL, TASK_FINAL, TaskState, WaitKind
from tests.support.builders import a_chain, a_diamond, a_fan, a_task
from tests.support.driving import claim, complete, deliver, fail, let_time_pass, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def kinds(row):
    return [hold.kind.value for hold in why_waiting(fresh(row))]


def fresh(row):
    return Task.objects.select_related("instance__version").get(pk=row.pk)


def test_a_running_task_says_who_runs_it_and_since_when(doorbell, fleet):
    instance = an_instance(a_task("only", also={"timeout": 60}))
    held = claim(task(instance, "only"))

    (hold,) = why_waiting(fresh(task(instance, "only")))

    row = task(instance, "only")
    assert (hold.kind, hold.since) == (HoldKind.RUNNING, row.started_at)
    assert held.worker in hold.sentence
    assert (hold.until - hold.since).total_seconds() == 60


def test_a_finished_task_is_held_by_nothing(doorbell, fleet):
    instance = an_instance(a_task("only"))
    complete(task(instance, "only"))

    assert kinds(task(instance, "only")) == []


def test_it_names_what_the_task_needs(doorbell, fleet):
    instance = an_instance(*a_diamond(prefix="d"))
    complete(task(instance, "d-top"))
    complete(task(instance, "d-left"))

    (hold,) = why_waiting(fresh(task(instance, "d-bottom")))

    assert hold.kind is HoldKind.DEPENDENCY
    assert hold.sentence == "it needs d-right, which is queued"


def test_it_counts_what_it_does_not_name(doorbell, fleet):
    instance = an_instance(*a_fan(30))

    holds = why_waiting(fresh(task(instance, "fan-join")))

    assert len(holds) == 21
    assert holds[-1].sentence == "it needs 10 more tasks that are not over"


def test_a_join_says_how_many_it_needs(doorbell, fleet):
    instance = an_instance(
        a_task("a"),
        a_task("b"),
        a_task("c"),
        a_task("d", needs=["a", "b", "c"], also={"join": {"at_least": 2}}),
    )
    complete(task(instance, "a"))

    holds = why_waiting(fresh(task(instance, "d")))

    assert [hold.kind for hold in holds] == [HoldKind.DEPENDENCY] * 2
    assert "2 of those it needs, of which 1 can be counted" in holds[0].sentence


def test_a_pause_comes_first_with_who_why_and_until(doorbell, fleet):
    instance = an_instance(*a_chain(2))
    until = clock.now()
    pause_instance(given=instance.public_id, by="ann", reason="lunch", until=until)

    first, *rest = why_waiting(fresh(task(instance, "link-1")))

    assert (first.kind, first.sentence) == (HoldKind.PAUSE, "the instance is paused by ann: lunch")
    assert first.until == until
    assert first.since is not None
    assert [hold.kind for hold in rest] == [HoldKind.DEPENDENCY]


def test_a_retry_says_when(doorbell, fleet):
    instance = an_instance(a_task("only", also={"retry": {"count": 1, "interval": 300, "jitter": False}}))
    report_outcome(
        claim=claim(task(instance, "only")), outcome=Failed(kind="timeout", message="slow", retryable=True)
    )

    (hold,) = why_waiting(fresh(task(instance, "only")))

    assert hold.kind is HoldKind.RETRY_TIMER
    assert 299 < (hold.until - hold.since).total_seconds() < 301
    assert "slow" in hold.sentence


@pytest.mark.parametrize(
    ("wait", "kind"),
    [(WaitKind.APPROVAL, "approval"), (WaitKind.ITEMS, "items"), (WaitKind.WORKFLOW, "child_workflow")],
)
def test_every_kind_of_wait_has_its_sentence(doorbell, fleet, wait, kind):
    instance = an_instance(a_task("only"))
    with db.transaction():
        Task.objects.filter(instance=instance).move(to=TaskState.WAITING, wait_kind=wait, dispatch_id=None)

    assert kinds(task(instance, "only")) == [kind]


def test_a_message_that_is_out_says_so(doorbell, fleet):
    instance = an_instance(a_task("only"))

    assert kinds(task(instance, "only")) == ["message_out"]


def test_it_says_that_no_worker_is_alive(doorbell, fleet):
    fleet.free = 0
    instance = an_instance(a_task("only"))

    assert kinds(task(instance, "only")) == ["message_out", "no_worker"]


def test_it_says_that_all_slots_are_taken(doorbell, fleet):
    fleet.free = 1
    instance = an_instance(a_task("a"), a_task("b"))
    claim(task(instance, "a"))

    assert kinds(task(instance, "b")) == ["message_out", "slot"]


def test_it_says_how_many_tasks_the_instance_may_run(doorbell, fleet):
    instance = an_instance(a_task("a"), a_task("b"), max_parallel=1)

    waiting = next(row for row in Task.objects.filter(instance=instance) if row.status == TaskState.PENDING)

    assert kinds(waiting) == ["max_parallel", "backlog"]
    assert "0 of its project come before it" in why_waiting(fresh(waiting))[-1].sentence


def test_it_says_how_many_instances_the_workflow_may_run(doorbell, fleet):
    first = an_instance(a_task("only"), max_instances=1)
    second = Instance.objects.get(public_id=submit_instance(workflow=first.workflow.public_id))

    _, holds, _ = why_instance(given=second.public_id)

    assert kinds(task(second, "only"))[0] == "max_instances"
    assert holds[0].kind is HoldKind.MAX_INSTANCES


def test_an_instance_tells_of_its_foremost_tasks(doorbell, fleet):
    instance = an_instance(*a_chain(3))

    _, holds, tasks = why_instance(given=instance.public_id)

    assert holds == []
    assert [row.name for row, _ in tasks] == ["link-0"]
    assert all(of_task for _, of_task in tasks)


def test_an_ended_instance_is_held_by_nothing(doorbell, fleet):
    instance = an_instance(a_task("only"))
    cancel_instance(given=instance.public_id)

    assert why_instance(given=instance.public_id)[1:] == ([], [])


def test_many_cost_as_many_statements_as_few(doorbell, fleet):
    def cost(width):
        rows = Task.objects.filter(instance=an_instance(*a_fan(width), name=f"w{width}"))
        tasks = list(rows.select_related("instance__version"))
        with CaptureQueriesContext(connection) as captured:
            why_many(tasks)
        return len(captured.captured_queries)

    assert cost(40) == cost(4)


def a_random_task(chance, place):
    needs = [f"t{each}" for each in range(place) if chance.random() < 0.4]
    also = {"retry": {"count": chance.choice([1, 2]), "interval": 60}} if chance.random() < 0.5 else {}
    if needs:
        also["join"] = chance.choice(["all", "any", "all_done"])
    return a_task(f"t{place}", needs=needs, also=also)


def a_random_step(chance, instance, doorbell):
    """Do one of the things that happen to instances."""
    rows = list(Task.objects.filter(instance=instance))
    out = [row for row in rows if row.status == TaskState.QUEUED]
    acts = [
        lambda: [deliver(message, doorbell) for message in doorbell.take()],
        lambda: out and claim(chance.choice(out)),
        lambda: out and complete(chance.choice(out)),
        lambda: out and fail(chance.choice(out)),
        lambda: pause_instance(given=instance.public_id, now=chance.random() < 0.5),
        lambda: resume_instance(given=instance.public_id),
        lambda: chance.random() < 0.2 and cancel_instance(given=instance.public_id, drain=True),
        lambda: retry_instance(given=instance.public_id),
        sweep_now,
        let_time_pass,
    ]
    with contextlib.suppress(CPDSError):
        chance.choice(acts)()


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**6), slots=st.integers(0, 3), most=st.sampled_from([None, 1, 2]))
def test_whatever_happens_every_unfinished_task_is_explained(doorbell, fleet, seed, slots, most):
    chance = random.Random(seed)
    fleet.free = slots
    Event.objects.all().delete()
    Instance.objects.all().delete()
    tasks = [a_random_task(chance, place) for place in range(7)]
    extra = {"max_parallel": most} if most else {}
    instance = an_instance(*tasks, name="random", on_failure=chance.choice(["stop", "continue"]), **extra)

    for _ in range(25):
        a_random_step(chance, instance, doorbell)

        instance.refresh_from_db()
        rows = list(Task.objects.filter(instance=instance).select_related("instance__version"))
        for key, holds in why_many(rows).items():
            row = next(each for each in rows if each.pk == key)
            assert bool(holds) == (row.status not in TASK_FINAL), (row.name, row.status, instance.status)
            if row.status == TaskState.RUNNING:
                assert holds[0].since is not None
                assert row.worker in holds[0].sentence
        if instance.status not in INSTANCE_FINAL:
            _, whole, foremost = why_instance(given=instance.public_id)
            assert whole or foremost
