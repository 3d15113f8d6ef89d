"""Answers to checkpoints: who may give them, what they may say, and which one counts."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from tasks_app.errors import (
    AnswerNotAllowed,
    CheckpointAnswered,
    CheckpointClosed,
    InvalidAnswer,
    NoCheckpoint,
    SeveralCheckpoints,
)
from tasks_app.models import Checkpoint, Event, Instance, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance
from tasks_app.services.gates.approvals import approve, reject
from tests.support.builders import a_task
from tests.support.doorbell import Doorbell
from tests.support.driving import deliver, drive_to_end, sweep_now
from tests.support.engine import an_instance, task
from tests.support.fleet import StaffedFleet

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {
    "type": "object",
    "properties": {"size": {"type": "integer"}, "why": {"type": "string"}},
    "required": ["size", "why"],
}


def an_open(doorbell: Doorbell, *names: str, **approval: Any) -> Instance:
    """Return an instance whose tasks wait for approval."""
    instance = an_instance(*(a_task(name, also={"approval": dict(approval)}) for name in names or ("gate",)))
    for message in doorbell.take():
        assert not deliver(message, doorbell)
    return instance


@pytest.fixture(autouse=True)
def _engine(doorbell: Doorbell, fleet: StaffedFleet) -> None:
    """Give every test an engine without a broker."""


def test_it_asks_and_holds_no_slot(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, by=["lead", "ops"], expires="2h")

    row = task(instance, "gate")
    checkpoint = Checkpoint.objects.get(task=row)
    assert (row.status, row.wait_kind, row.dispatch_id, row.attempts) == ("waiting", "approval", None, 0)
    assert row.wake_at == checkpoint.expires_at
    assert (checkpoint.state, checkpoint.number, checkpoint.allowed) == ("open", 1, ["lead", "ops"])
    assert not row.records.exists()


def test_an_approved_task_is_published_at_once(doorbell: Doorbell) -> None:
    instance = an_open(doorbell)

    answered = approve(given=instance.public_id, by="ann", comment="fine")

    assert (answered.state, answered.changed) == ("approved", True)
    (message,) = doorbell.take()
    assert deliver(message, doorbell)
    instance.refresh_from_db()
    assert instance.status == "completed"
    event = Event.objects.get(task__instance=instance, kind="task.pending")
    assert event.message == "approved by ann: fine"
    assert event.data == {"checkpoint": 1, "answer": "approved", "by": "ann"}


@pytest.mark.parametrize("answer", [approve, reject])
def test_the_same_answer_twice_is_harmless(doorbell: Doorbell, answer: Callable[..., Any]) -> None:
    instance = an_open(doorbell)
    answer(given=instance.public_id, by="ann", comment="first")

    again = answer(given=instance.public_id, by="bob", comment="second")

    assert not again.changed
    checkpoint = Checkpoint.objects.get()
    assert (checkpoint.answered_by, checkpoint.comment) == ("ann", "first")


@pytest.mark.parametrize(("first", "second"), [(approve, reject), (reject, approve)])
def test_the_opposite_answer_is_told_who_was_first(
    doorbell: Doorbell, first: Callable[..., Any], second: Callable[..., Any]
) -> None:
    instance = an_open(doorbell)
    first(given=instance.public_id, by="ann")

    with pytest.raises(CheckpointAnswered, match="by ann") as caught:
        second(given=instance.public_id, by="bob")

    assert caught.value.http_status == 409


def test_an_expired_checkpoint_says_so(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, expires="1s")
    Checkpoint.objects.update(expires_at="2020-01-01T00:00:00Z")
    sweep_now()

    with pytest.raises(CheckpointAnswered, match="nobody in time"):
        approve(given=instance.public_id, by="ann")

    instance.refresh_from_db()
    assert instance.status == "failed"
    assert "nobody answered in time" in instance.error_message


def test_every_value_that_does_not_fit_is_listed(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, form=FORM)

    with pytest.raises(InvalidAnswer) as caught:
        approve(given=instance.public_id, by="ann", values={"size": "big"})

    assert len(caught.value.problems) == 2
    assert "values.size" in str(caught.value)
    assert "'why' is a required property" in str(caught.value)
    assert Checkpoint.objects.get().state == "open"


def test_a_rejection_needs_no_values(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, form=FORM)

    assert reject(given=instance.public_id, by="ann").changed


@pytest.mark.parametrize(("by", "groups"), [("lead", ()), ("ann", ("ops",))])
def test_it_is_answered_by_name_or_by_group(doorbell: Doorbell, by: str, groups: tuple[str, ...]) -> None:
    instance = an_open(doorbell, by=["lead", "ops"])

    assert approve(given=instance.public_id, by=by, groups=groups).changed


def test_it_is_not_for_everybody_to_answer(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, by=["lead", "ops"])

    with pytest.raises(AnswerNotAllowed, match="lead, ops"):
        approve(given=instance.public_id, by="ann", groups=["guests"])


def test_several_may_be_open(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, "one", "two")

    with pytest.raises(SeveralCheckpoints, match="one, two"):
        approve(given=instance.public_id, by="ann")
    assert approve(given=instance.public_id, task="two", by="ann").changed

    assert task(instance, "one").status == "waiting"
    assert approve(given=instance.public_id, by="ann").task == "one"


def test_where_nothing_asks_nothing_is_answered(doorbell: Doorbell) -> None:
    instance = an_instance(a_task("plain"))

    with pytest.raises(NoCheckpoint):
        approve(given=instance.public_id, by="ann")
    with pytest.raises(NoCheckpoint):
        approve(given=instance.public_id, task="plain", by="ann")


def test_cancelling_closes_what_is_open(doorbell: Doorbell) -> None:
    instance = an_open(doorbell)
    cancel_instance(given=instance.public_id)

    with pytest.raises(CheckpointClosed):
        approve(given=instance.public_id, by="ann")

    assert Checkpoint.objects.get().state == "closed"


def test_what_a_failure_stops_closes_what_is_open(doorbell: Doorbell) -> None:
    instance = an_open(doorbell, "one", "two")

    reject(given=instance.public_id, task="one", by="ann")

    assert task(instance, "two").status == "skipped"
    assert Checkpoint.objects.get(task__name="two").state == "closed"


@pytest.mark.parametrize(("answer", "end"), [(approve, "completed"), (reject, "failed")])
def test_a_paused_instance_can_be_answered_and_goes_on_when_resumed(
    doorbell: Doorbell, answer: Callable[..., Any], end: str
) -> None:
    instance = an_open(doorbell)
    pause_instance(given=instance.public_id)

    answer(given=instance.public_id, by="ann")
    assert not doorbell.messages
    assert not Task.objects.backlog().exists()
    sweep_now()
    resume_instance(given=instance.public_id)

    assert drive_to_end(instance, doorbell).status == end


def test_a_secret_in_a_comment_is_stored_nowhere(doorbell: Doorbell) -> None:
    secret = "sk-ant-" + "a" * 30
    instance = an_open(doorbell)

    approve(given=instance.public_id, by="ann", comment=f"use {secret}")

    assert Checkpoint.objects.get().comment == "use [redacted]"
    assert secret not in str(list(Event.objects.values()))


def test_a_second_delivery_asks_no_second_time(doorbell: Doorbell) -> None:
    instance = an_instance(a_task("gate", also={"approval": {}}))
    (message,) = doorbell.take()

    deliver(message, doorbell)
    deliver(message, doorbell)

    assert Checkpoint.objects.filter(instance=instance).count() == 1


def test_of_two_opposite_answers_at_once_one_counts(doorbell: Doorbell) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("one writer at a time leaves nothing to race for")
    for _ in range(20):
        instance = an_open(doorbell)
        heard = answered_at_once(instance)

        assert sorted(heard) == ["CheckpointAnswered", "changed"]
        state = Checkpoint.objects.get(instance=instance).state
        status = Task.objects.get(instance=instance).status
        assert (state, status) in {("approved", "queued"), ("rejected", "failed")}
        for message in doorbell.take():  # what stays out fills the window in the end
            deliver(message, doorbell)


def answered_at_once(instance: Instance) -> list[str]:
    heard: list[str] = []
    together = threading.Barrier(2)

    def say(answer: Callable[..., Any], by: str) -> None:
        together.wait()
        try:
            assert answer(given=instance.public_id, by=by).changed
            heard.append("changed")
        except CheckpointAnswered as error:
            heard.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=say, args=args) for args in ((approve, "ann"), (reject, "bob"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return heard
