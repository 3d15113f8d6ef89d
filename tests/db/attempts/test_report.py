"""An outcome is recorded once, by the claim that is held; what follows is planned after it."""

import pytest
from django.db import InterfaceError, OperationalError

from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, ExecutionRecord, Task
from tasks_app.outcomes import Completed, Failed, Interrupted, Report
from tasks_app.services.attempts import reports, sanitize
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.publishing.release import take_back
from tasks_app.states import RecordState, TaskState
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
HIDDEN = "[redacted]"
SECRET = "sk-ant-" + "a" * 30


@pytest.fixture
def row(doorbell):
    return task(an_instance(a_task("only")), "only")


@pytest.fixture
def held(row):
    return claim(row)


def record_of(row):
    return ExecutionRecord.objects.get(task=row)


class TestCompleted:
    def test_the_output_is_stored_with_the_task_and_its_record(self, row, held):
        assert report_outcome(claim=held, outcome=Completed(output={"rows": [1, 2]})) is True

        row.refresh_from_db()
        assert (row.status, row.output, row.lease_expires_at) == (TaskState.COMPLETED, {"rows": [1, 2]}, None)
        assert row.finished_at is not None
        record = record_of(row)
        assert (record.status, record.output) == (RecordState.COMPLETED, {"rows": [1, 2]})
        assert record.duration_ms is not None

    def test_one_event_says_so(self, row, held):
        report_outcome(claim=held, outcome=Completed(output=1))

        event = Event.objects.get(task=row, kind="task.completed")
        assert (event.worker, event.attempt, event.data) == (held.worker, 1, {})

    @pytest.mark.parametrize(
        "output", [None, False, 0, "", [], {}, "汉字", [[[]]], {"a": {"b": [1.5, None]}}, 2**63 - 1]
    )
    def test_any_json_is_kept_as_it_is(self, row, held, output):
        report_outcome(claim=held, outcome=Completed(output=output))

        row.refresh_from_db()
        assert row.output == output
        assert record_of(row).output == output

    def test_what_the_attempt_spent_is_kept(self, row, held):
        spent = Report(
            prompt=f"say {SECRET}",
            answer="said",
            model="a-model",
            call_id="msg_1",
            tokens={"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 5},
            cost_usd_micros=7,
            simulated=True,
            metadata={"stop": "end_turn"},
        )

        report_outcome(claim=held, outcome=Completed(output=1, report=spent))

        record = record_of(row)
        assert (record.prompt, record.answer) == (f"say {HIDDEN}", "said")
        assert (record.model, record.call_id, record.simulated) == ("a-model", "msg_1", True)
        assert (record.tokens_used, record.cost_usd_micros, record.metadata) == (10, 7, {"stop": "end_turn"})


class TestWhatCannotBeStored:
    @pytest.mark.parametrize(
        "output",
        [
            object(),
            {1, 2},
            b"bytes",
            float("nan"),
            float("inf"),
            2**63,
            {1: "a"},
            {"a": [object()]},
            {"a\x00b": object()},
            {"\ud800": object()},
        ],
    )
    def test_an_output_that_is_not_json_is_a_failure_that_says_so(self, row, held, output):
        assert report_outcome(claim=held, outcome=Completed(output=output)) is False

        row.refresh_from_db()
        assert (row.status, row.error_kind, row.output) == (TaskState.FAILED, "bad_output", None)
        assert row.error_message.startswith("The result cannot be stored: ")
        assert record_of(row).status == RecordState.FAILED

    def test_its_message_hides_secrets_and_is_not_endless(self, row, held):
        report_outcome(claim=held, outcome=Completed(output={SECRET + "x" * 10_000: object()}))

        row.refresh_from_db()
        assert SECRET not in row.error_message
        assert len(row.error_message) <= sanitize.MESSAGE_CHARACTERS

    def test_an_output_that_is_too_large_is_a_failure(self, row, held, settings):
        settings.CPDS = {**settings.CPDS, "output_bytes": 100}

        report_outcome(claim=held, outcome=Completed(output="x" * 99))

        row.refresh_from_db()
        assert (row.status, row.error_kind) == (TaskState.FAILED, "output_too_large")
        assert "101 bytes" in row.error_message

    def test_an_output_that_just_fits_is_stored(self, row, held, settings):
        settings.CPDS = {**settings.CPDS, "output_bytes": 100}

        assert report_outcome(claim=held, outcome=Completed(output="x" * 98))

    def test_characters_outside_ascii_count_as_utf_8_writes_them(self, row, held, settings):
        settings.CPDS = {**settings.CPDS, "output_bytes": 100}

        assert report_outcome(claim=held, outcome=Completed(output="é" * 49))

    def test_of_what_a_failure_leaves_behind_the_beginning_is_kept(self, row, held, settings):
        settings.CPDS = {**settings.CPDS, "output_bytes": 100}
        failed = Failed(
            kind="exception", message="no", output={"log": "x" * 10_000}, detail={"all": "y" * 200}
        )

        report_outcome(claim=held, outcome=failed)

        record = record_of(row)
        assert (record.output["truncated"], record.output["bytes"]) == (True, 10_011)
        assert record.output["beginning"].startswith('{"log": "xxx')
        assert len(record.output["beginning"]) == sanitize.MESSAGE_CHARACTERS
        assert record.error_detail["truncated"]

    def test_characters_that_no_database_stores_are_replaced(self, row, held):
        report_outcome(claim=held, outcome=Completed(output={"a\x00": "b\x00c", "half": "\ud800"}))

        row.refresh_from_db()
        assert row.output == {"a�": "b�c", "half": "?"}

    def test_a_failure_may_say_anything(self, row, held):
        outcome = Failed(
            kind="exception",
            message=f"NUL \x00 half \ud800 {SECRET} " + "x" * 10_000,
            detail={"left": {1, 2}, "token": SECRET, "nul": "\x00"},
            output={"stderr": f"\x00{SECRET}"},
        )

        assert report_outcome(claim=held, outcome=outcome) is False

        record = record_of(row)
        assert record.status == RecordState.FAILED
        assert record.error_message.startswith(f"NUL � half ? {HIDDEN} x")
        assert len(record.error_message) == sanitize.MESSAGE_CHARACTERS
        assert SECRET not in str(record.error_detail) + str(record.output)

    def test_a_report_may_say_anything(self, row, held):
        said = Report(
            prompt="\x00\ud800",
            answer="\x00",
            model="m\x00" * 200,
            call_id="c\x00" * 200,
            metadata={"nul": "\x00"},
        )

        assert report_outcome(claim=held, outcome=Completed(output=1, report=said))

        assert record_of(row).prompt == "�?"

    def test_a_report_that_is_not_json_costs_nothing_but_itself(self, row, held):
        assert report_outcome(
            claim=held, outcome=Completed(output=1, report=Report(metadata={"odd": {1, 2}}))
        )

    def test_a_reason_for_an_interruption_may_say_anything(self, row, held):
        report_outcome(claim=held, outcome=Interrupted(reason="NUL \x00 " + "x" * 10_000))

        row.refresh_from_db()
        assert row.reason.startswith("NUL � ")
        assert len(row.reason) <= sanitize.MESSAGE_CHARACTERS


class TestFailed:
    def test_the_error_is_kept_and_the_output_is_not_the_task_s(self, row, held):
        outcome = Failed(kind="exit_code", message="it said 3", detail={"code": 3}, output={"stderr": "no"})

        assert report_outcome(claim=held, outcome=outcome) is False

        row.refresh_from_db()
        assert (row.status, row.error_kind, row.error_message) == (TaskState.FAILED, "exit_code", "it said 3")
        assert row.output is None
        record = record_of(row)
        assert (record.error_detail, record.output) == ({"code": 3}, {"stderr": "no"})
        event = Event.objects.get(task=row, kind="task.failed")
        assert (event.message, event.data) == ("it said 3", {"kind": "exit_code"})


class TestInterrupted:
    def test_the_task_is_ready_again_and_nothing_counts_against_it(self, row, held, doorbell):
        assert report_outcome(claim=held, outcome=Interrupted(reason="the worker is shutting down")) is False

        row.refresh_from_db()
        assert (row.status, row.losses, row.worker) == (TaskState.QUEUED, 0, "")
        assert row.dispatch_id not in {None, held.dispatch_id}
        assert doorbell.messages[-1].dispatch_id == row.dispatch_id
        record = record_of(row)
        assert (record.status, record.error_kind) == (RecordState.INTERRUPTED, "interrupted")

    def test_the_next_attempt_is_a_record_of_its_own(self, row, held):
        report_outcome(claim=held, outcome=Interrupted(reason="shutdown"))
        report_outcome(claim=claim(row), outcome=Completed(output=1))

        records = ExecutionRecord.objects.filter(task=row).order_by("number")
        assert [(each.number, each.status) for each in records] == [(1, "interrupted"), (2, "completed")]

    def test_followers_of_the_same_canvas_are_freed(self, doorbell):
        instance = an_instance(*a_chain(3))
        held = claim(task(instance, "link-0"))

        report_outcome(claim=held, outcome=Interrupted(reason="shutdown"))

        dispatches = set(Task.objects.filter(instance=instance).values_list("dispatch_id", flat=True))
        assert held.dispatch_id not in dispatches


OUTCOMES = [
    Completed(output="late"),
    Failed(kind="exception", message="late"),
    Interrupted(reason="late"),
]


def everything():
    return (
        list(Task.objects.order_by("pk").values()),
        list(ExecutionRecord.objects.order_by("pk").values()),
        list(Event.objects.order_by("pk").values()),
    )


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda each: type(each).__name__)
class TestStale:
    def test_a_claim_that_was_taken_back_changes_nothing(self, row, held, outcome):
        take_back(task_ids=[row.pk], reason="lost", is_loss=True)
        before = everything()

        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=outcome)

        assert everything() == before

    def test_a_claim_whose_task_another_completed_changes_nothing(self, row, held, outcome):
        take_back(task_ids=[row.pk], reason="lost", is_loss=True)
        Task.objects.filter(pk=row.pk).update(dispatch_id="second")
        report_outcome(claim=claim(row, worker="worker@b"), outcome=Completed(output="in time"))
        before = everything()

        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=outcome)

        assert everything() == before
        row.refresh_from_db()
        assert row.output == "in time"

    def test_a_claim_whose_task_runs_elsewhere_changes_nothing(self, row, held, outcome):
        take_back(task_ids=[row.pk], reason="lost", is_loss=True)
        Task.objects.filter(pk=row.pk).update(dispatch_id="second")
        claim(row, worker=held.worker)
        before = everything()

        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=outcome)

        assert everything() == before

    @pytest.mark.parametrize("state", [TaskState.CANCELLED, TaskState.SKIPPED])
    def test_a_task_that_was_stopped_stays_stopped(self, row, held, outcome, state):
        Task.objects.filter(pk=row.pk).update(status=state)
        before = everything()

        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=outcome)

        assert everything() == before


def test_a_late_failure_that_would_be_tried_again_changes_nothing(doorbell):
    row = task(an_instance(a_task("only", also={"retry": 2})), "only")
    held = claim(row)
    take_back(task_ids=[row.pk], reason="lost", is_loss=True)
    before = everything()

    with pytest.raises(StaleDispatch):
        report_outcome(claim=held, outcome=Failed(kind="exception", message="late", retryable=True))

    assert everything() == before


def test_a_failure_that_is_tried_again_counts_and_frees_what_was_planned_behind_it(doorbell):
    instance = an_instance(a_task("only", also={"retry": 2}), a_task("after", needs=["only"]))
    row = task(instance, "only")
    assert task(instance, "after").dispatch_id is not None

    report_outcome(
        claim=claim(row), outcome=Failed(kind="exception", message="no", retryable=True, output=SECRET)
    )

    row.refresh_from_db()
    assert (row.status, row.failures, row.dispatch_id) == (TaskState.WAITING, 1, None)
    assert record_of(row).output == HIDDEN
    assert task(instance, "after").dispatch_id is None


def test_the_end_of_an_attempt_leaves_the_record_of_an_earlier_one(row, held):
    take_back(task_ids=[row.pk], reason="lost", is_loss=True)
    earlier = ExecutionRecord.objects.filter(task=row).values().get()
    Task.objects.filter(pk=row.pk).update(dispatch_id="second")

    report_outcome(claim=claim(row), outcome=Failed(kind="exception", message="no"))

    assert ExecutionRecord.objects.filter(task=row).order_by("number").values().first() == earlier


def test_an_outcome_reported_twice_counts_once(row, held):
    assert report_outcome(claim=held, outcome=Completed(output="first"))
    before = everything()

    assert report_outcome(claim=held, outcome=Completed(output="first"))

    assert everything() == before


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_follow_up_without_a_database_is_left_to_the_sweep(row, held, monkeypatch, error):
    def away(**_facts):
        raise error

    monkeypatch.setattr(reports, "follow_up", away)

    assert report_outcome(claim=held, outcome=Completed(output=1)) is True

    row.refresh_from_db()
    assert (row.status, row.settled) == (TaskState.COMPLETED, False)
