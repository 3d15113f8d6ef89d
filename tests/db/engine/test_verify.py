"""The history checker believes nothing but the ledger and the records, and finds every planted fault."""

import random
from datetime import timedelta

import pytest
from django.db.models import F

from tasks_app.models import Event, ExecutionRecord, Instance, Task
from tasks_app.outcomes import Failed
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import retry_instance
from tasks_app.services.explain import verify
from tasks_app.services.explain.verify import verify_instances
from tasks_app.services.submit.instances import rerun_instance
from tests.support.builders import a_chain, a_diamond, a_task, layers
from tests.support.driving import claim, complete, deliver, drive_to_end, fail, let_time_pass, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def rules(instance):
    (verdict,) = verify_instances([instance.public_id])
    return sorted({each.rule for each in verdict.violations})


@pytest.fixture
def done(doorbell, fleet):
    """A diamond that completed."""
    return drive_to_end(an_instance(*a_diamond(prefix="d")), doorbell)


class TestSound:
    def test_a_completed_instance(self, done):
        (verdict,) = verify_instances([done.public_id])

        assert (verdict.violations, verdict.tasks, verdict.is_moving) == ([], 4, False)
        assert verdict.events == Event.objects.filter(instance=done).count()

    def test_one_in_full_flight(self, doorbell, fleet):
        instance = an_instance(*a_chain(3), *a_diamond())
        Attempt.of(claim(task(instance, "link-0"))).log(lines=["here"])

        assert rules(instance) == []

    def test_one_with_rescues_retries_and_skips(self, doorbell, fleet):
        instance = an_instance(
            a_task("a", also={"retry": {"count": 2, "interval": 1}}),
            a_task("b", needs=["a"]),
            a_task("c"),
            a_task("d", needs=["b", "c"], also={"join": "any"}),
        )
        claim(task(instance, "c"))
        let_time_pass()
        sweep_now()
        report_outcome(
            claim=claim(task(instance, "a")), outcome=Failed(kind="x", message="no", retryable=True)
        )
        Task.objects.filter(instance=instance, status="waiting").update(wake_at=F("created_at"))
        sweep_now()
        fail(task(instance, "c"))

        assert rules(instance) == []

        retry_instance(given=instance.public_id)
        drive_to_end(instance, doorbell)

        assert rules(instance) == []

    def test_a_rerun_that_shares_results(self, done, doorbell):
        new = Instance.objects.get(public_id=rerun_instance(given=done.public_id, from_task="d-left"))
        drive_to_end(new, doorbell)

        assert rules(new) == []

    def test_one_that_was_cancelled_while_it_ran(self, doorbell, fleet):
        instance = an_instance(*a_diamond(prefix="d"))
        claim(task(instance, "d-top"))
        cancel_instance(given=instance.public_id)

        assert rules(instance) == []

    @pytest.mark.parametrize("seed", range(4))
    def test_whatever_the_policy_makes_of_random_failures(self, doorbell, fleet, seed):
        chance = random.Random(seed)
        policy = chance.choice(["stop", "continue"])
        instance = an_instance(*layers(4, 4, seed=seed), on_failure=policy)
        for _ in range(200):
            for message in doorbell.take():
                failure = Failed(kind="x", message="by chance")
                deliver(message, doorbell, outcome=failure if chance.random() < 0.15 else None)
        drive_to_end(instance, doorbell)

        assert rules(instance) == []


class TestPlanted:
    def test_a_second_completed_record(self, done):
        one = ExecutionRecord.objects.filter(task__instance=done).first()
        ExecutionRecord.objects.create(
            task=one.task, number=2, dispatch_id="another", executor="noop", worker="w", status="completed"
        )

        assert {"attempts", "completed_twice"} <= set(rules(done))

    def test_a_start_before_what_it_needs(self, done):
        start = Event.objects.get(task=task(done, "d-bottom"), kind="task.running")
        first = Event.objects.filter(task=task(done, "d-left")).earliest("id")
        swap_ids(start, first)

        assert "started_early" in rules(done)

    def test_an_illegal_move(self, done):
        Event.objects.create(instance=done, task=task(done, "d-top"), kind="task.queued")

        assert "illegal_move" in rules(done)

    def test_an_illegal_move_of_the_instance(self, done):
        Event.objects.create(instance=done, kind="instance.running")

        assert rules(done) == ["illegal_move", "unrecorded_move"]

    def test_a_missing_attempt(self, done):
        ExecutionRecord.objects.filter(task=task(done, "d-left")).delete()

        assert rules(done) == ["attempts", "completed_record"]

    def test_a_gap_in_the_attempts(self, done):
        ExecutionRecord.objects.filter(task=task(done, "d-left")).update(number=2)

        assert rules(done) == ["attempts", "completed_record"]

    def test_an_output_of_another_attempt(self, done):
        Task.objects.filter(instance=done, name="d-left").update(output={"of": "somebody else"})

        assert rules(done) == ["stale_write"]

    def test_an_output_that_is_gone(self, done):
        Task.objects.filter(instance=done, name="d-left").update(output=None)

        assert rules(done) == ["stale_write"]

    def test_a_word_after_the_end(self, done):
        Event.objects.create(instance=done, task=task(done, "d-top"), kind="task.log", attempt=1)

        assert rules(done) == ["stale_write"]

    def test_a_word_of_an_earlier_attempt(self, doorbell, fleet):
        instance = an_instance(a_task("only"))
        claim(task(instance, "only"))
        let_time_pass()
        sweep_now()
        claim(task(instance, "only"))
        Event.objects.create(instance=instance, task=task(instance, "only"), kind="task.progress", attempt=1)

        assert rules(instance) == ["stale_write"]

    def test_a_task_that_starts_again_without_a_retry(self, doorbell, fleet):
        instance = an_instance(a_task("a"), a_task("b"), on_failure="continue")
        fail(task(instance, "a"))
        Event.objects.create(instance=instance, task=task(instance, "a"), kind="task.pending")
        Task.objects.filter(instance=instance, name="a").update(status="pending")

        assert rules(instance) == ["stale_write"]

    def test_a_state_that_no_event_tells_of(self, done):
        Task.objects.filter(instance=done, name="d-top").update(status="failed")

        assert "unrecorded_move" in rules(done)

    def test_a_record_left_open(self, done):
        ExecutionRecord.objects.filter(task=task(done, "d-top")).update(status="running")

        assert "open_record" in rules(done)

    def test_an_ended_instance_with_an_unfinished_task(self, done):
        Task.objects.filter(instance=done, name="d-bottom").update(status="running")

        assert "unfinished" in rules(done)

    def test_an_instance_that_nothing_explains(self, doorbell, fleet, monkeypatch):
        instance = an_instance(a_task("only"))
        monkeypatch.setattr(verify, "why_instance", lambda *_, **__: (instance, [], []))

        assert rules(instance) == ["unexplained"]


def test_it_reads_all_instances_in_batches(doorbell, fleet, monkeypatch):
    monkeypatch.setattr(verify, "TASKS_AT_ONCE", 3)
    monkeypatch.setattr(verify, "EVENTS_AT_ONCE", 2)
    for place in range(5):
        complete(task(an_instance(*a_chain(2), name=f"w{place}"), "link-0"))

    verdicts = list(verify_instances())

    assert len(verdicts) == 5
    assert [each.violations for each in verdicts] == [[]] * 5


def test_an_instance_that_moves_while_it_is_read_is_read_again(doorbell, fleet, monkeypatch):
    instance = an_instance(*a_chain(3))
    read, looks = verify._read, []

    def read_and_move(keys):
        found = read(keys)
        if not looks:
            complete(task(instance, "link-0"))
        looks.append(keys)
        return found

    monkeypatch.setattr(verify, "_read", read_and_move)

    (verdict,) = verify_instances([instance.public_id])

    assert (len(looks), verdict.is_moving, verdict.violations) == (2, False, [])


def test_times_prove_nothing(done):
    Event.objects.filter(instance=done).update(happened_at=F("happened_at") - timedelta(days=1))

    assert rules(done) == []


def swap_ids(one, other):
    """Let two events have happened in each other's place."""
    place_of_one, place_of_other = one.pk, other.pk
    Event.objects.filter(pk__in=[place_of_one, place_of_other]).delete()
    one.pk, other.pk = place_of_other, place_of_one
    one.save(force_insert=True)
    other.save(force_insert=True)
