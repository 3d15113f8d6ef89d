"""A process that dies anywhere in a compensation: it goes on, and nothing is undone twice over."""

from itertools import count

import pytest

from cpds.base import clock
from tasks_app.models import ExecutionRecord, Instance
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import retry_instance
from tests.support.builders import a_task
from tests.support.crashing import crash_at
from tests.support.driving import claim, stopped
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.undoing import drive, failing, ring, undo_order, undoable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


def everywhere(doorbell, prepare, act, check):
    """Die at each point of ``act``; what is left goes on, and ``check`` holds."""
    for point in count(1):
        prepared = prepare()
        with crash_at(point, doorbell) as fuse:
            act(prepared)
        check(prepared)
        if not fuse.has_blown:
            return


def ended_as_undone(doorbell, expected):
    def check(prepared):
        instance = drive(
            prepared if isinstance(prepared, Instance) else prepared[0], doorbell, failing("bad")
        )
        assert instance.status == "compensated"
        assert undo_order(instance) == expected
        assert_history_is_sound(instance)

    return check


def a_saga():
    return an_instance(
        undoable("a"), undoable("b", needs=["a"]), a_task("bad", needs=["b"]), on_failure="compensate"
    )


def up_to_the_failure():
    instance = a_saga()
    for name in ("a", "b"):
        report_outcome(claim=claim(task(instance, name)), outcome=Completed())
    return instance, claim(task(instance, "bad"))


def test_the_worker_that_begins_it_dies(doorbell):
    everywhere(
        doorbell,
        up_to_the_failure,
        lambda prepared: report_outcome(
            claim=prepared[1], outcome=Failed(kind="exception", message="bad broke")
        ),
        ended_as_undone(doorbell, ["b", "a"]),
    )


def test_a_worker_that_undoes_dies(doorbell):
    def compensating():
        instance, held = up_to_the_failure()
        report_outcome(claim=held, outcome=Failed(kind="exception", message="bad broke"))
        return instance

    everywhere(
        doorbell, compensating, lambda _: ring(doorbell, failing()), ended_as_undone(doorbell, ["b", "a"])
    )


def test_the_worker_whose_undo_fails_for_good_dies(doorbell):
    def undoing():
        instance, held = up_to_the_failure()
        report_outcome(claim=held, outcome=Failed(kind="exception", message="bad broke"))
        return instance, claim(task(instance, "undo b"))

    def check(prepared):
        instance = drive(prepared[0], doorbell, failing("undo b"))
        assert instance.status == "failed"
        assert instance.error_message.endswith("Undone: nothing. Not undone: b, a.")
        assert task(instance, "a").status == task(instance, "b").status == "completed"

    everywhere(
        doorbell,
        undoing,
        lambda prepared: report_outcome(claim=prepared[1], outcome=Failed(kind="exception", message="no")),
        check,
    )


def test_whoever_retries_it_dies(doorbell):
    def stuck():
        return drive(a_saga(), doorbell, failing("bad", "undo a"))

    def check(instance):
        instance.refresh_from_db()
        if instance.status == "failed":  # it died before it had done anything
            retry_instance(given=instance.public_id)
        ended_as_undone(doorbell, ["b", "a"])(instance)

    everywhere(doorbell, stuck, lambda instance: retry_instance(given=instance.public_id), check)


@pytest.mark.parametrize("drain", [False, True])
def test_whoever_cancels_dies(doorbell, drain):
    def running():
        instance = an_instance(undoable("a"), undoable("b", needs=["a"]), a_task("c", needs=["b"]))
        report_outcome(claim=claim(task(instance, "a")), outcome=Completed())
        return instance

    def check(instance):
        instance.refresh_from_db()
        if instance.status == "running" and not instance.is_stopping:  # it died before it had done anything
            cancel_instance(given=instance.public_id, compensate=True)
        ended_as_undone(doorbell, ["a"])(instance)

    everywhere(
        doorbell,
        running,
        lambda each: cancel_instance(given=each.public_id, compensate=True, drain=drain),
        check,
    )


def test_the_worker_that_lets_go_dies(doorbell):
    def stopping():
        instance = an_instance(undoable("a"), a_task("b", needs=["a"]))
        report_outcome(claim=claim(task(instance, "a")), outcome=Completed())
        held = claim(task(instance, "b"))
        cancel_instance(given=instance.public_id, compensate=True)
        return instance, held

    def check(prepared):
        past = clock.database_now_plus(-1)  # the lease of a worker that died before it let go
        ExecutionRecord.objects.filter(revoked_until__isnull=False).update(revoked_until=past)
        ended_as_undone(doorbell, ["a"])(prepared)

    everywhere(doorbell, stopping, lambda prepared: stopped(prepared[1]), check)
