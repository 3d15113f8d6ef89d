"""Each chore finds what a lost message or a lost process left behind, and nothing else."""

import pytest
from django.db import DataError, OperationalError

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import Chore, ExecutionRecord, Task
from tasks_app.outcomes import Completed
from tasks_app.planning.engine.canvas_plan import Canvas, Dispatch
from tasks_app.services.attempts import reports
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.attempts.leases import renew_claims
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.maintenance import sweep as sweeping
from tasks_app.services.maintenance.sweep import SWEEP, free_claims_of, sweep
from tasks_app.states import InstanceState, RecordState, TaskState
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim, complete, deliver, drive_to_end, fail, let_time_pass, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
LEASE, INTERVAL, REDELIVER, LIMIT = 30, 2, 10, 3


@pytest.fixture(autouse=True)
def settings_in_force(settings):
    settings.CPDS = {
        **settings.CPDS,
        "lease_seconds": LEASE,
        "sweep_seconds": INTERVAL,
        "redeliver_seconds": REDELIVER,
        "losses_to_quarantine": LIMIT,
    }


@pytest.fixture
def instance(doorbell, fleet):
    return an_instance(*a_chain(3), a_task("other"))


@pytest.fixture
def unnoticed(monkeypatch):
    """Complete a task as a worker does that dies right after its commit."""

    def finish(row):
        with monkeypatch.context() as patched:
            patched.setattr(reports, "_plan_what_follows", lambda *_: None)
            return complete(row)

    return finish


def aged(row, seconds, *columns):
    past = clock.database_now_plus(-seconds)
    Task.objects.filter(pk=row.pk).update(**dict.fromkeys(columns, past))


def last_sweep_was(seconds):
    Chore.objects.update_or_create(pk=SWEEP, defaults={"grace_until": None})
    Chore.objects.filter(pk=SWEEP).update(ran_at=clock.database_now_plus(-seconds))


class TestAChoreThatFails:
    @pytest.fixture
    def broken(self, monkeypatch):
        """Make the chore of that name in a module fail: ``broken("sweep.wake_due", error)``."""

        def fails(name, error):
            def chore():
                raise error

            monkeypatch.setattr(f"tasks_app.services.maintenance.{name}", chore)

        return fails

    @pytest.mark.parametrize("error", [ValueError("no"), DataError("too long")], ids=["ours", "database"])
    @pytest.mark.parametrize("name", ["sweep.rescue_lost", "waits.expire_checkpoints"])
    @pytest.mark.django_db(transaction=True)
    def test_the_others_run_all_the_same(self, doorbell, fleet, broken, caplog, name, error):
        instance = an_instance(a_task("each", also={"for_each": [1]}))
        complete_items(instance, doorbell)
        broken(name, error)

        assert sweep_now().tended == 1

        assert task(instance, "each").status == TaskState.COMPLETED
        assert "chore_failed" in caplog.text

    def test_without_the_database_none_does(self, broken, doorbell, fleet):
        broken("waits.expire_checkpoints", OperationalError("gone"))

        with pytest.raises(OperationalError):
            sweep_now()


def complete_items(instance, doorbell):
    """Complete the items of a list as a worker does that dies before its list goes on."""
    for message in doorbell.take():
        deliver(message, doorbell)
    for item in Task.objects.filter(instance=instance, parent__isnull=False):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(reports, "_plan_what_follows", lambda *_: None)
            complete(item)


def test_a_quiet_day(instance, doorbell):
    out = len(doorbell.messages)

    swept = sweep_now()

    assert not any(vars(swept).values())
    assert len(doorbell.messages) == out


class TestTurns:
    def test_the_first_sweep_runs(self, db):
        assert sweep() is not None

    def test_a_second_one_right_after_does_not(self, db):
        sweep()

        assert sweep() is None

    @pytest.mark.parametrize(("ago", "runs"), [(0.5, False), (1.5, True), (60, True)])
    def test_one_runs_in_each_half_interval(self, db, ago, runs):
        last_sweep_was(ago)

        assert (sweep() is not None) is runs

    @pytest.mark.parametrize(("ago", "runs"), [(1.5, False), (5, False), (7, True)])
    def test_a_worker_sweeps_only_when_three_intervals_were_missed(self, db, ago, runs):
        last_sweep_was(ago)

        assert (sweep(only_if_overdue=True) is not None) is runs


class TestLostWorkers:
    def test_a_lease_that_ran_out_is_rescued(self, instance, doorbell):
        held = claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")

        assert sweep_now().rescued == 1

        row = task(instance, "link-0")
        assert (row.status, row.losses) == (TaskState.QUEUED, 1)
        assert row.dispatch_id != held.dispatch_id
        assert ExecutionRecord.objects.get(task=row).status == RecordState.LOST
        assert row.pk in {message.task_id for message in doorbell.messages}

    def test_a_lease_that_lasts_is_not(self, instance):
        claim(task(instance, "link-0"))

        assert sweep_now().rescued == 0

    def test_a_lease_that_was_renewed_at_the_last_moment_is_not(self, instance, monkeypatch):
        held = claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")
        rescue = sweeping._rescue_in_instance

        def renewed_meanwhile(*given):
            renew_claims(worker=held.worker)
            return rescue(*given)

        monkeypatch.setattr(sweeping, "_rescue_in_instance", renewed_meanwhile)

        assert sweep_now().rescued == 0
        assert task(instance, "link-0").status == TaskState.RUNNING

    def test_what_was_planned_with_it_is_freed(self, instance):
        held = claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")

        sweep_now()

        assert not Task.objects.filter(dispatch_id=held.dispatch_id).exists()

    def test_after_a_gap_of_its_own_the_sweep_grants_a_lease_of_grace(self, instance):
        claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")
        last_sweep_was(LEASE + 1)

        assert sweep().rescued == 0

        chore = Chore.objects.get(pk=SWEEP)
        assert (chore.grace_until - chore.ran_at).total_seconds() == pytest.approx(LEASE, abs=0.01)

    def test_the_grace_lasts_for_the_next_sweeps_and_ends(self, instance):
        claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")
        last_sweep_was(LEASE + 1)
        sweep()
        Chore.objects.update(ran_at=clock.database_now_plus(-INTERVAL))
        assert sweep().rescued == 0

        Chore.objects.update(
            ran_at=clock.database_now_plus(-INTERVAL), grace_until=clock.database_now_plus(-0.01)
        )

        assert sweep().rescued == 1

    def test_a_gap_shorter_than_a_lease_grants_nothing(self, instance):
        claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")
        last_sweep_was(LEASE - 5)

        assert sweep().rescued == 1

    def test_a_task_that_keeps_losing_workers_is_quarantined(self, instance, doorbell):
        for _ in range(LIMIT):
            claim(task(instance, "link-0"))
            aged(task(instance, "link-0"), 1, "lease_expires_at")
            sweep_now()

        row = task(instance, "link-0")
        assert (row.status, row.error_kind, row.losses) == (TaskState.FAILED, "quarantined", LIMIT)
        assert row.error_message.startswith("It lost 3 workers and is not started again")
        records = ExecutionRecord.objects.filter(task=row)
        assert set(records.values_list("status", flat=True)) == {RecordState.LOST}
        assert task(instance, "link-1").reason == "needs link-0, which failed"
        instance.refresh_from_db()
        assert instance.status == InstanceState.FAILED

    def test_a_late_result_of_a_quarantined_task_changes_nothing(self, instance):
        Task.objects.filter(name="link-0").update(losses=LIMIT - 1)
        held = claim(task(instance, "link-0"))
        aged(task(instance, "link-0"), 1, "lease_expires_at")
        sweep_now()

        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=Completed(output="late"))

    def test_a_worker_started_anew_frees_its_own_claims_only(self, instance):
        claim(task(instance, "link-0"), worker="same@host")
        claim(task(instance, "other"), worker="another@host")

        assert free_claims_of(worker="same@host") == 1

        assert task(instance, "link-0").status == TaskState.PENDING
        assert task(instance, "other").status == TaskState.RUNNING


class TestUnsettled:
    def test_followers_are_planned_when_the_worker_died_after_its_commit(self, doorbell, fleet, unnoticed):
        instance = an_instance(a_task("top"), a_task("left", needs=["top"]), a_task("right", needs=["top"]))
        unnoticed(task(instance, "top"))

        assert sweep_now().advanced == 1

        assert task(instance, "left").status == task(instance, "right").status == TaskState.QUEUED
        assert task(instance, "top").settled

    def test_an_instance_of_which_nothing_is_left_is_closed(self, doorbell, fleet, unnoticed):
        instance = an_instance(a_task("only"))
        unnoticed(task(instance, "only"))

        sweep_now()

        instance.refresh_from_db()
        assert instance.status == InstanceState.COMPLETED

    def test_a_failure_nobody_followed_up_is_followed_up(self, instance, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(reports, "_plan_what_follows", lambda *_: None)
            fail(task(instance, "other"), "the reason")

        sweep_now()

        instance.refresh_from_db()
        assert (instance.status, instance.error_message) == (InstanceState.FAILED, "other: the reason")

    def test_each_finished_task_is_looked_at_once(self, instance, unnoticed):
        unnoticed(task(instance, "other"))
        sweep_now()

        assert sweep_now().advanced == 0


class TestLostMessages:
    def test_a_follower_whose_canvas_was_lost_is_freed(self, instance, doorbell):
        complete(task(instance, "link-0"))
        doorbell.take()
        aged(task(instance, "link-0"), REDELIVER + 1, "finished_at")

        assert sweep_now().freed == 2

        assert task(instance, "link-1").status == TaskState.QUEUED
        assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED

    def test_a_follower_that_could_not_start_yet_is_not(self, instance):
        let_time_pass()

        assert sweep_now().freed == 0

    def test_one_that_could_start_only_just_now_is_not(self, instance):
        complete(task(instance, "link-0"))

        assert sweep_now().freed == 0

    def test_none_is_freed_while_all_slots_are_busy(self, instance, fleet):
        complete(task(instance, "link-0"))
        let_time_pass()
        fleet.free = 0

        assert sweep_now().freed == 0

    def test_what_was_never_claimed_is_published_again_alone_under_its_dispatch(self, instance, doorbell):
        row = task(instance, "link-0")
        doorbell.take()
        doorbell.dispatches.clear()
        aged(row, REDELIVER + 1, "published_at")

        assert sweep_now().published_again == 1

        (dispatch,) = doorbell.dispatches
        assert dispatch == Dispatch(id=row.dispatch_id, canvas=Canvas(lines=((row.pk,),)))
        assert task(instance, "link-1").dispatch_id is None

    def test_the_copy_still_in_a_queue_is_as_good(self, instance, doorbell):
        first, *_ = doorbell.take()
        let_time_pass()
        sweep_now()

        assert deliver(first, doorbell)
        assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED

    def test_it_is_given_time_before_it_is_published_a_third_time(self, instance):
        let_time_pass()
        sweep_now()

        assert sweep_now().published_again == 0

    def test_nothing_is_published_again_while_all_slots_are_busy(self, instance, fleet):
        fleet.free = 1
        claim_task(
            task_id=task(instance, "other").pk,
            dispatch_id=task(instance, "other").dispatch_id,
            worker="w",
        )
        aged(task(instance, "link-0"), REDELIVER + 1, "published_at")

        assert sweep_now().published_again == 0

        fleet.free = 2
        assert sweep_now().published_again == 1

    def test_nothing_of_an_instance_that_does_not_run_is(self, instance):
        let_time_pass()
        type(instance).objects.filter(pk=instance.pk).update(status=InstanceState.PAUSED)

        assert sweep_now().published_again == 0

    def test_a_broker_that_is_away_is_asked_once(self, doorbell, fleet):
        for number in range(4):
            an_instance(a_task("only"), name=f"of-{number}")
        let_time_pass()
        doorbell.is_broken = True
        doorbell.attempts = 0

        assert sweep_now().published_again == 0

        assert doorbell.attempts == 1
