"""Streams and those that take their batches, step by step, with crashes in between."""

import pytest

from tasks_app.errors import BadItem, StaleDispatch
from tasks_app.models import Event, Instance, StreamBatch, Task
from tasks_app.outcomes import Completed, Failed, Interrupted, LastBatch
from tasks_app.services.attempts import streams
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.attempts.streams import Order, open_stream, orders_for, read_item, write_batch
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.gates.evaluate import GateResult, evaluate_gates
from tasks_app.services.progress.batches import unconsumed
from tasks_app.services.publishing.release import take_back
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.driving import claim, complete, fail, forget_sweeps, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance(doorbell, fleet):
    return an_instance(*a_stream_and_its_consumer())


@pytest.fixture
def held(instance):
    held = claim(task(instance, "stream"))
    open_stream(held)
    return held


def a_stream_and_its_consumer(**keys):
    return (
        a_task("stream", also={"mode": "continuous", "buffer_size": 10}),
        a_task("take", run="echo", needs=["stream"], items="{{ tasks.stream.output }}", also=keys),
    )


def let_in(instance):
    """Deliver the consumer, as a worker does."""
    row = task(instance, "take")
    assert evaluate_gates(task_id=row.pk, dispatch_id=row.dispatch_id) is GateResult.CLOSED


def runs(instance):
    found = Task.objects.filter(parent=task(instance, "take")).order_by("item_index")
    return [(run.item_index, run.status) for run in found]


def run_of(instance, number):
    return Task.objects.get(parent=task(instance, "take"), item_index=number)


def test_a_dependant_is_let_in_as_soon_as_the_stream_runs(instance, held):
    assert task(instance, "take").status == "queued"

    let_in(instance)

    row = task(instance, "take")
    assert (row.status, row.wait_kind, row.reason) == ("waiting", "batches", "takes the batches of stream")


def test_a_dependant_is_not_let_in_before(instance):
    assert task(instance, "take").status == "pending"


def test_one_run_at_a_time_in_order(instance, held):
    let_in(instance)
    write_batch(claim=held, number=1, items=["a"])
    write_batch(claim=held, number=2, items=["b"])
    assert runs(instance) == [(1, "queued")]

    first = complete(run_of(instance, 1))

    assert first.batch == {"stream": ["a"]}
    assert runs(instance) == [(1, "completed"), (2, "queued")]


def test_a_batch_is_written_once_however_often_it_is_tried(held):
    assert write_batch(claim=held, number=1, items=["a"]) == 1
    assert write_batch(claim=held, number=1, items=["a", "b"]) == 1

    assert StreamBatch.objects.values_list("number", "items").get() == (1, ["a"])
    event = Event.objects.get(kind="task.batch")
    assert (event.data, event.attempt) == ({"batch": 1, "items": 1}, 1)


def test_a_lost_claim_hands_on_nothing(instance, held):
    take_back(task_ids=[held.task_id], reason="", is_loss=True)

    with pytest.raises(StaleDispatch):
        write_batch(claim=held, number=1, items=["a"])
    with pytest.raises(StaleDispatch):
        open_stream(held)
    assert not StreamBatch.objects.exists()


def test_an_attempt_is_told_where_the_last_one_was(instance, held):
    write_batch(claim=held, number=1, items=["a", "b"])
    take_back(task_ids=[held.task_id], reason="", is_loss=True)
    sweep_now()

    again = claim(task(instance, "stream"))

    assert open_stream(again) == LastBatch(number=1, item="b")


def test_progress_clears_what_was_suffered_before(instance, held):
    Task.objects.filter(pk=held.task_id).update(losses=2, failures=1)

    write_batch(claim=held, number=1, items=["a"])

    row = task(instance, "stream")
    assert (row.losses, row.failures) == (0, 0)


def test_a_stream_gets_no_further_ahead_than_it_may(instance, held, settings):
    settings.CPDS = {**settings.CPDS, "stream_batches_ahead": 2}
    let_in(instance)
    assert [write_batch(claim=held, number=number, items=["x"]) for number in (1, 2, 3)] == [
        1,
        1,
        0,
    ]
    assert unconsumed(held.task_id) == 2

    complete(run_of(instance, 1))

    assert write_batch(claim=held, number=3, items=["x"]) == 1
    assert write_batch(claim=held, number=4, items=["x", "y"], must_fit=False) == 2


def test_a_stream_that_nobody_needs_is_not_held_up(doorbell, fleet, settings):
    settings.CPDS = {**settings.CPDS, "stream_batches_ahead": 1}
    held = claim(task(an_instance(a_task("stream", also={"mode": "continuous"})), "stream"))

    assert all(write_batch(claim=held, number=number, items=["x"]) for number in (1, 2, 3))


def test_the_sweep_lets_in_whom_the_worker_did_not(instance, monkeypatch):
    held = claim(task(instance, "stream"))
    monkeypatch.setattr(streams, "_ring", lambda *_args, **_more: None)
    open_stream(held)
    assert task(instance, "take").status == "pending"

    sweep_now()

    assert task(instance, "take").status == "queued"


def test_the_sweep_finds_a_batch_that_nobody_was_told_of(instance, held, monkeypatch):
    let_in(instance)
    monkeypatch.setattr(streams, "_ring", lambda *_args, **_more: None)
    write_batch(claim=held, number=1, items=["a"])
    assert runs(instance) == []

    sweep_now()

    assert runs(instance) == [(1, "queued")]


def test_the_sweep_finds_the_end_of_a_stream(instance, held, monkeypatch):
    let_in(instance)
    monkeypatch.setattr("tasks_app.services.attempts.reports.stream_ended", lambda *_, **__: None)
    report_outcome(claim=held, outcome=Completed(output={"batches": 0, "items": 0}))
    assert task(instance, "take").status == "waiting"

    sweep_now()

    assert task(instance, "take").output == {"batches": 0}
    instance.refresh_from_db()
    assert instance.status == "completed"


def test_a_quiet_stream_gives_the_sweep_nothing_to_do(instance, held):
    let_in(instance)
    sweep_now()

    forget_sweeps()
    assert sweep_now().tended == 0


def test_only_what_is_told_to_stop_gets_an_order(instance, held):
    key = (held.task_id, held.dispatch_id)
    assert orders_for([key]) == {}

    pause_instance(given=instance.public_id)
    assert orders_for([key]) == {key: Order.PAUSE}
    resume_instance(given=instance.public_id)
    cancel_instance(given=instance.public_id, drain=True)

    assert orders_for([key]) == {key: Order.END}


def test_a_drained_stream_is_cancelled_when_its_batches_are_consumed(instance, held):
    write_batch(claim=held, number=1, items=["a"])
    cancel_instance(given=instance.public_id, drain=True)
    write_batch(claim=held, number=2, items=["b"], must_fit=False)
    report_outcome(claim=held, outcome=Interrupted(reason="told to end"))
    assert task(instance, "stream").status == "cancelled"

    complete(run_of(instance, 1))
    instance.refresh_from_db()
    assert instance.status == "running"
    complete(run_of(instance, 2))

    instance.refresh_from_db()
    assert (task(instance, "take").status, instance.status) == ("cancelled", "cancelled")


def test_a_paused_stream_is_not_ready_before_it_is_resumed(instance, held):
    pause_instance(given=instance.public_id)
    report_outcome(claim=held, outcome=Interrupted(reason="paused"))
    row = task(instance, "stream")
    assert (row.status, row.ready_at) == ("pending", None)

    resume_instance(given=instance.public_id)

    assert task(instance, "stream").status == "queued"


def test_a_failed_stream_is_consumed_to_its_end_where_the_instance_continues(doorbell, fleet):
    instance = an_instance(*a_stream_and_its_consumer(), on_failure="continue")
    held = claim(task(instance, "stream"))
    open_stream(held)
    let_in(instance)
    write_batch(claim=held, number=1, items=["a"])
    write_batch(claim=held, number=2, items=["b"])
    report_outcome(claim=held, outcome=Failed(kind="exception", message="broken"))
    complete(run_of(instance, 1))
    complete(run_of(instance, 2))

    instance.refresh_from_db()
    row = task(instance, "take")
    assert (row.status, row.error_kind, instance.status) == ("failed", "stream_failed", "failed")


def test_a_failure_elsewhere_ends_dependants_after_the_batch_they_have(doorbell, fleet):
    instance = an_instance(*a_stream_and_its_consumer(), a_task("bad"))
    held = claim(task(instance, "stream"))
    open_stream(held)
    let_in(instance)
    write_batch(claim=held, number=1, items=["a"])
    write_batch(claim=held, number=2, items=["b"])
    running = claim(run_of(instance, 1))

    fail(task(instance, "bad"))
    assert orders_for([(held.task_id, held.dispatch_id)])
    report_outcome(claim=running, outcome=Completed())

    row = task(instance, "take")
    assert (row.status, row.reason[:26]) == ("skipped", "not continued after batch ")
    assert runs(instance) == [(1, "completed")]


@pytest.mark.parametrize("value", [object(), float("nan"), "x" * 1_000_001])
def test_an_item_that_cannot_be_stored_is_refused(value):
    with pytest.raises(BadItem):
        read_item(value)


def test_a_retry_takes_what_failed_first_and_then_goes_on(doorbell, fleet):
    instance = an_instance(*a_stream_and_its_consumer(), on_failure="continue")
    held = claim(task(instance, "stream"))
    open_stream(held)
    let_in(instance)
    for number in (1, 2, 3):
        write_batch(claim=held, number=number, items=[number])
    report_outcome(claim=held, outcome=Completed())
    fail(run_of(instance, 1))
    complete(run_of(instance, 2))
    fail(run_of(instance, 3))
    instance.refresh_from_db()
    assert (instance.status, task(instance, "take").error_kind) == ("failed", "batch_failed")

    retry_instance(given=instance.public_id)
    let_in(instance)

    assert runs(instance) == [(1, "queued"), (2, "completed"), (3, "pending")]
    complete(run_of(instance, 1))
    complete(run_of(instance, 3))
    instance.refresh_from_db()
    assert (instance.status, task(instance, "take").output) == ("completed", {"batches": 3})


def test_an_allowed_failure_of_a_batch_fails_nothing(doorbell, fleet):
    instance = an_instance(*a_stream_and_its_consumer(allow_failure=True))
    held = claim(task(instance, "stream"))
    open_stream(held)
    let_in(instance)
    write_batch(claim=held, number=1, items=["a"])
    report_outcome(claim=held, outcome=Completed())

    fail(run_of(instance, 1))

    instance.refresh_from_db()
    assert (instance.status, task(instance, "take").status) == ("completed", "completed")


def test_each_batch_may_be_the_input_of_an_instance_of_its_own(doorbell, fleet):
    upload_workflow(
        source=a_workflow(a_task("one"), name="child", params={"items": {"type": "array"}}).encode()
    )
    consumer = {
        "name": "take",
        "workflow": "child",
        "needs": ["stream"],
        "with": {"items": "{{ tasks.stream.output }}"},
    }
    instance = an_instance(a_stream_and_its_consumer()[0], consumer)
    held = claim(task(instance, "stream"))
    open_stream(held)
    let_in(instance)
    write_batch(claim=held, number=1, items=["a", "b"])
    run = run_of(instance, 1)

    assert evaluate_gates(task_id=run.pk, dispatch_id=run.dispatch_id) is GateResult.CLOSED

    assert Instance.objects.get(parent_task=run).params == {"items": ["a", "b"]}
