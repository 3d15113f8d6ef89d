"""The worker: handlers of both kinds, and what the server is told of how they ended."""

import asyncio

import pytest

from tests.support.waiting import wait_until
from workers_app.api.worker_forms import FailureForm, LogsForm, ProgressForm
from workers_app.sdk import Result, Stopped, TaskFailed, WorkerAgent


async def soon(value):
    return await asyncio.to_thread(lambda: value)


async def greet(context):
    return await soon({"hello": context.arguments["who"]})


@pytest.mark.parametrize("handler", [lambda context: {"hello": context.arguments["who"]}, greet])
def test_what_a_handler_returns_is_the_output(fleet, hire, handler):
    fleet.give(who="Ada")

    assert hire(handler).over().completed == 1

    assert fleet.told("complete") == {"output": {"hello": "Ada"}, "report": {}}
    assert fleet.goodbye.is_set()


def test_a_result_says_what_was_used(fleet, hire):
    fleet.give()

    hire(lambda _: Result(output=1, report={"model": "m"})).over()

    assert fleet.told("complete") == {"output": 1, "report": {"model": "m"}}


def test_a_result_whose_report_holds_what_none_does_is_not_taken(fleet, hire):
    fleet.give()

    hire(lambda _: Result(output=1, report={"modle": "m"})).over()

    told = fleet.told("fail")
    assert (told["kind"], told["retryable"]) == ("bad_output", False)
    assert "modle" in told["message"]


def test_a_failure_whose_report_holds_what_none_does_is_told_all_the_same(fleet, hire):
    fleet.give()

    def handler(_context):
        raise TaskFailed("no", kind="empty", report={"modle": "m", "model": "m"})

    hire(handler).over()

    assert (fleet.told("fail")["kind"], fleet.told("fail")["report"]) == ("empty", {"model": "m"})


def test_a_handler_that_stops_unasked_has_failed(fleet, hire):
    fleet.give()

    def handler(_context):
        raise Stopped

    assert hire(handler).over().failed == 1
    assert (fleet.told("fail")["kind"], fleet.told("fail")["retryable"]) == ("stopped", True)


def fails(_context):
    raise TaskFailed("no", kind="empty", retryable=False, detail={"line": 3})


@pytest.mark.parametrize(
    ("raised", "message", "kind"),
    [
        (TaskFailed(""), "The handler failed and did not say why.", "worker_error"),
        (TaskFailed(" \0 "), "The handler failed and did not say why.", "worker_error"),
        (TaskFailed("a\0b \udcff"), "ab ?", "worker_error"),
        (TaskFailed("x" * 5000, kind="rate_limited"), "x" * 3999 + "…", "rate_limited"),
        (TaskFailed("no", kind="No Word"), "no", "worker_error"),
        (TaskFailed("no", kind="k" * 41), "no", "worker_error"),
        (TaskFailed("no", kind="empty", detail={"file": object()}), "no", "empty"),
    ],
)
def test_a_failure_may_be_tried_again_however_it_is_worded(fleet, hire, raised, message, kind):
    fleet.give()

    def handler(_context):
        raise raised

    hire(handler).over()

    told = fleet.told("fail")
    assert FailureForm(data=told).is_valid()
    assert (told["message"], told["kind"], told["retryable"]) == (message, kind, True)


def test_many_long_and_unclean_lines_all_reach_the_log(fleet, hire):
    fleet.give()
    lines = [f"line {number}" for number in range(1100)]

    hire(lambda context: context.log("y" * 5000, "a\0b", *lines)).over()

    said = [body for act, _, body in fleet.said if act == "logs"]
    assert all(LogsForm(data=body).is_valid() for body in said)
    told = [line for body in said for line in body["lines"]]
    assert told == ["y" * 3999 + "…", "ab", *lines]


def test_what_is_said_of_progress_is_cut(fleet, hire):
    fleet.give()

    hire(lambda context: context.progress(0.5, "z\0" * 5000)).over()

    assert ProgressForm(data=fleet.told("progress")).is_valid()


async def fails_later(context):
    fails(await soon(context))


@pytest.mark.parametrize("handler", [fails, fails_later])
def test_a_failure_is_told_as_it_was_raised(fleet, hire, handler):
    fleet.give()

    assert hire(handler).over().failed == 1

    told = fleet.told("fail")
    assert (told["kind"], told["message"], told["retryable"]) == ("empty", "no", False)
    assert told["detail"] == {"line": 3}


def test_an_exception_fails_the_attempt_and_not_the_worker(fleet, hire):
    fleet.give(1)
    fleet.give(2)

    assert hire(lambda context: 1 / (context.task["id"] - 1), limits={"max_tasks": 2}).over().failed == 1

    assert "ZeroDivisionError" in fleet.told("fail")["message"]
    assert fleet.acts(2) == ["complete"]


def test_an_output_that_is_no_json_fails_the_attempt_for_good(fleet, hire):
    fleet.give()

    hire(lambda _: object()).over()

    told = fleet.told("fail")
    assert (told["kind"], told["retryable"]) == ("bad_output", False)


def test_the_kind_chooses_the_handler(fleet):
    worker = WorkerAgent(fleet.url, heartbeat_seconds=0.1)
    worker.handler("red")(lambda _: "red one")
    worker.handler()(lambda _: "any")
    fleet.give(1, kind="red")
    fleet.give(2, kind="blue")

    worker.run(max_tasks=2)

    outputs = {task: body["output"] for _, task, body in fleet.said}
    assert outputs == {1: "red one", 2: "any"}


def test_it_registers_with_what_it_can_do(fleet, hire):
    fleet.give()

    hire(lambda _: None, capabilities=["git", "gpu", "git"], concurrency=3).over()

    [facts] = fleet.registered
    assert (facts["name"], facts["slots"], facts["capabilities"]) == ("w", 3, ["git", "gpu"])


def test_nothing_is_said_after_the_goodbye(fleet, hire):
    fleet.goodbye_patience = 0.5
    fleet.give()
    worker = hire(lambda _: wait_until(lambda: fleet.heard, message="a heartbeat"), heartbeat_seconds=0.01)

    worker.over()

    assert fleet.presence[-1] == "goodbye"


class TestAway:
    """A server that is away for a while."""

    def test_it_is_waited_for_at_the_start(self, fleet, hire):
        fleet.is_away = True
        fleet.give()
        worker = hire(lambda _: "done")
        assert not fleet.registered

        fleet.is_away = False

        assert worker.over().completed == 1

    def test_a_result_is_told_when_it_is_back(self, fleet, hire):
        fleet.give()
        called = []

        def handler(_context):
            fleet.is_away = True
            called.append(1)
            return "done"

        worker = hire(handler)
        wait_until(lambda: called)
        fleet.is_away = False

        assert worker.over().completed == 1
        assert (fleet.acts(), called) == (["complete"], [1])

    def test_one_that_knows_the_worker_no_more_is_registered_with_again(self, fleet, hire):
        fleet.forgets = 1
        fleet.give()

        assert hire(lambda _: "done").over().completed == 1
        assert len(fleet.registered) == 2


class TestLost:
    """A claim that is gone."""

    def test_a_heartbeat_stops_the_work_and_its_result_is_thrown_away(self, fleet, hire):
        stopped = []

        def handler(context):
            fleet.lost.add(1)
            stopped.append(context.stopping.wait(15))
            return "too late"

        fleet.give()

        assert hire(handler).over().abandoned == 1
        assert (stopped, fleet.acts()) == ([True], [])

    def test_a_coroutine_is_cancelled(self, fleet, hire):
        ended = []

        async def handler(_context):
            fleet.lost.add(1)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        fleet.give()

        assert hire(handler).over().abandoned == 1
        assert ended == ["cancelled"]

    def test_a_lease_that_cannot_be_renewed_stops_the_work(self, fleet, hire):
        fleet.lease_seconds = 1.0
        stopped = []

        def handler(context):
            fleet.is_away = True
            stopped.append(context.stopping.wait(15))
            fleet.is_away = False

        fleet.give()

        assert hire(handler).over().abandoned == 1
        assert stopped == [True]
        assert "complete" not in fleet.acts()

    def test_progress_on_a_lost_claim_stops_the_work(self, fleet, hire):
        fleet.lost.add(1)
        fleet.give()
        seen = []

        def handler(context):
            context.progress(0.5)
            seen.append(context.cancelled)

        hire(handler, heartbeat_seconds=30).over()

        assert seen == [True]


def test_a_task_that_takes_too_long_is_stopped_and_failed(fleet, hire):
    fleet.give(timeout_seconds=0.3)

    def handler(context):
        context.stopping.wait(15)
        context.check()

    assert hire(handler).over().failed == 1
    assert fleet.told("fail")["kind"] == "timeout"


def test_a_worker_told_to_stop_hands_back_what_it_runs(fleet, hire):
    fleet.give()
    begun = []

    def handler(context):
        begun.append(1)
        context.stopping.wait(15)
        context.check()

    hired = hire(handler, limits={}, grace_seconds=0.1)
    wait_until(lambda: begun)
    hired.worker.stop()

    assert hired.over().released == 1
    assert (fleet.acts(), fleet.goodbye.is_set()) == (["release"], True)
