"""What a function's ctx.emit does, whatever the record answers."""

from types import SimpleNamespace

import pytest
from django.db import OperationalError

from tasks_app.errors import StaleDispatch
from tasks_app.outcomes import Completed, Failed, Interrupted, LastBatch
from tasks_app.services.attempts.claims import StreamSettings
from tasks_app.services.attempts.streams import Order
from workers_app.attempts import streaming
from workers_app.attempts.streaming import ClaimedStream
from workers_app.errors import StreamEnded
from workers_app.executors.cancellation import Cancellation


class Ledger:
    """Keeps what is handed on; ``answers`` are what the next writes meet, then all is well."""

    def __init__(self):
        self.batches = {}
        self.answers = []

    def write(self, *, claim, number, items, must_fit=True):
        answer = self.answers.pop(0) if self.answers else True
        if answer in (True, "unknown") or not (must_fit or answer):
            self.batches.setdefault(number, list(items))
        if answer == "unknown":
            raise OperationalError
        if isinstance(answer, Exception):
            raise answer
        return len(self.batches[number]) if answer or not must_fit else 0


@pytest.fixture
def ledger(monkeypatch):
    ledger = Ledger()
    monkeypatch.setattr(streaming, "write_batch", ledger.write)
    monkeypatch.setattr(streaming, "batch_totals", lambda claim: {"batches": len(ledger.batches)})
    monkeypatch.setattr(streaming, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(streaming.db, "drop_broken_connection", lambda: None)
    monkeypatch.setattr(streaming, "flusher_of_this_process", lambda: SimpleNamespace(wake=lambda: None))
    return ledger


@pytest.fixture
def cancellation():
    return Cancellation()


@pytest.fixture
def stream(ledger, cancellation):
    return ClaimedStream(
        claim=SimpleNamespace(task_id=1, dispatch_id="d", name="numbers"),
        settings=StreamSettings(buffer_size=2, flush_seconds=60),
        last=LastBatch(number=4, item="x"),
        cancellation=cancellation,
    )


def test_numbers_go_on_from_the_last_batch(stream, ledger):
    for item in "abc":
        stream.emit(item)

    assert ledger.batches == {5: ["a", "b"]}


def test_only_what_is_old_is_handed_on_early(stream, ledger):
    stream.emit("a")

    stream.hand_on_if_due(now=stream.due_at - 1)
    assert ledger.batches == {}
    stream.hand_on_if_due(now=stream.due_at)

    assert ledger.batches == {5: ["a"]}
    assert stream.due_at is None


def test_emitting_waits_until_there_is_room(stream, ledger):
    ledger.answers = [False, False, False]

    for item in "abc":
        stream.emit(item)

    assert ledger.batches == {5: ["a", "b"]}


def test_a_batch_of_which_nothing_is_known_has_the_items_that_are_on_record(stream, ledger):
    ledger.answers = ["unknown"]
    stream.emit("a")
    stream.hand_on_if_due(now=stream.due_at)
    stream.emit("b")

    stream.emit("c")

    assert ledger.batches == {5: ["a"], 6: ["b", "c"]}


def test_a_batch_that_was_not_written_grows_until_it_is(stream, ledger):
    ledger.answers = [OperationalError()]
    stream.emit("a")
    stream.hand_on_if_due(now=stream.due_at)

    stream.emit("b")

    assert ledger.batches == {5: ["a", "b"]}


def test_a_lost_claim_ends_the_emitting(stream, ledger, cancellation):
    ledger.answers = [StaleDispatch(task_id=1, dispatch_id="d")]
    stream.emit("a")
    stream.emit("b")

    assert cancellation.requested
    with pytest.raises(StreamEnded):
        stream.emit("c")


@pytest.mark.parametrize("order", list(Order))
def test_an_order_ends_the_emitting_and_the_rest_is_handed_on(stream, ledger, order):
    stream.emit("a")
    stream.obey(order)
    with pytest.raises(StreamEnded):
        stream.emit("b")

    outcome = stream.finish(Completed(output=None))

    assert isinstance(outcome, Interrupted)
    assert ledger.batches == {5: ["a"]}
    assert stream.is_ending == (order is Order.END)


def test_what_is_left_is_handed_on_however_far_behind_others_are(stream, ledger):
    stream.emit("a")
    stream.obey(Order.END)
    ledger.answers = [False]

    stream.finish(Completed(output=None))

    assert stream.due_at is None


def test_a_function_that_returns_completes_the_stream(stream, ledger):
    stream.emit("a")

    assert stream.finish(Completed(output="ignored")) == Completed(output={"batches": 1})


def test_a_function_that_fails_has_handed_on_what_it_emitted(stream, ledger):
    stream.emit("a")
    failed = Failed(kind="exception", message="bad")

    assert stream.finish(failed) is failed
    assert ledger.batches == {5: ["a"]}


def test_an_abandoned_function_emits_into_nothing(stream, ledger):
    stream.finish(Failed(kind="timeout", message="late"))

    with pytest.raises(StreamEnded):
        stream.emit("a")
