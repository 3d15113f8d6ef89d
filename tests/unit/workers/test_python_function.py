"""A registered function runs in a thread of its own, and whatever it does, its attempt has one outcome."""

import asyncio
import sys
import threading

import pytest

from tasks_app.outcomes import Completed, Failed, Interrupted
from tests.unit.executors.builders import a_call
from workers_app.errors import UnknownService
from workers_app.executors import python_function
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.python_function import PythonFunction
from workers_app.functions import _describe

WAIT = 20


@pytest.fixture
def run(tmp_path):
    def outcome(function, *, timeout_seconds=WAIT, cancellation=None, change=None, **arguments):
        call = a_call(tmp_path, timeout_seconds=timeout_seconds, cancellation=cancellation, **arguments)
        for name, value in (change or {}).items():
            object.__setattr__(call, name, value)
        return PythonFunction(_describe("a-function", function)).execute(call)

    return outcome


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(python_function, "GRACE_SECONDS", 0.05)


@pytest.fixture
def gate():
    """Holds abandoned functions; opened when the test is over, so that no thread outlives it."""
    event = threading.Event()
    yield event
    event.set()


class TestArguments:
    def test_keywords_come_from_with(self, run):
        assert run(lambda a, b=2: [a, b], a=1) == Completed(output=[1, 2])

    def test_the_context_alone(self, run):
        assert run(lambda ctx: ctx.arguments["a"], a=1) == Completed(output=1)

    def test_the_context_beside_keywords(self, run):
        assert run(lambda ctx, a: [ctx.task_name, a], a=1) == Completed(output=["task", 1])

    def test_any_keywords(self, run):
        assert run(lambda **rest: rest, a=1, b=2) == Completed(output={"a": 1, "b": 2})

    @pytest.mark.parametrize("function", [lambda a: a, lambda a, **rest: a], ids=["closed", "open-ended"])
    def test_a_missing_one_is_said_before_the_call(self, run, function):
        outcome = run(function)

        assert (outcome.kind, outcome.message) == ("bad_input", "a-function needs 'a'")

    def test_an_unknown_one_is_said_before_the_call(self, run):
        outcome = run(lambda a=1: a, b=2)

        assert (outcome.kind, outcome.message) == ("bad_input", "a-function takes no 'b'")


class TestContext:
    def test_it_tells_of_the_attempt(self, run, tmp_path):
        def tells(ctx):
            return [ctx.instance_id, ctx.attempt, ctx.idempotency_key, str(ctx.workspace), ctx.params]

        assert run(tells, change={"params": {"p": 1}}) == Completed(
            output=["inst-1", 1, "key-of-the-attempt", str(tmp_path), {"p": 1}]
        )

    def test_upstream_is_asked_of_the_record(self, run):
        assert run(
            lambda ctx: ctx.upstream("a"), change={"upstream": lambda name: f"of {name}"}
        ) == Completed(output="of a")

    def test_an_upstream_it_does_not_need_fails_the_attempt(self, run):
        def no_such(name):
            raise LookupError(f"no {name}")

        outcome = run(lambda ctx: ctx.upstream("a"), change={"upstream": no_such})

        assert (outcome.kind, outcome.detail) == ("exception", {"exception": "LookupError"})

    def test_services_come_from_the_settings(self, run, settings):
        settings.CPDS = {**settings.CPDS, "services": {"db": "collections.OrderedDict", "made": 5}}

        outcome = run(lambda ctx: [type(ctx.service("db")).__name__, ctx.service("made")])

        assert outcome == Completed(output=["OrderedDict", 5])

    def test_an_unknown_service_is_said(self, run):
        outcome = run(lambda ctx: ctx.service("nobody"))

        assert outcome.message.startswith(f"{UnknownService.__name__}: No service is called 'nobody'.")

    def test_what_it_says_is_passed_on_as_text(self, run):
        said = []

        def speaks(ctx):
            ctx.progress(0.5)
            ctx.progress(0.75, 3)
            ctx.log({"a": 1})

        run(
            speaks,
            change={"progress": lambda fraction, text: said.append((fraction, text)), "log": said.append},
        )

        assert said == [(0.5, ""), (0.75, "3"), "{'a': 1}"]


class TestEnds:
    def test_a_coroutine_function_is_awaited(self, run):
        async def later(a):
            return await asyncio.create_task(same(a))

        async def same(a):
            return a

        assert run(later, a=1) == Completed(output=1)

    def test_each_runs_in_a_thread_of_its_own(self, run):
        assert run(lambda: threading.current_thread().name).output == "task-1"

    def test_an_exception_is_a_failure_that_names_it(self, run):
        outcome = run(lambda: 1 / 0)

        assert outcome == Failed(
            kind="exception",
            message="ZeroDivisionError: division by zero",
            retryable=True,
            detail={"exception": "ZeroDivisionError"},
        )

    @pytest.mark.parametrize(
        "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()], ids=repr
    )
    @pytest.mark.parametrize("timeout_seconds", [None, WAIT])
    def test_no_exception_is_mistaken_for_a_timeout(self, run, error, timeout_seconds):
        def raises():
            raise error

        outcome = run(raises, timeout_seconds=timeout_seconds)

        assert (outcome.kind, outcome.detail) == ("exception", {"exception": type(error).__name__})

    def test_a_function_may_not_end_the_worker(self, run):
        assert run(lambda: sys.exit(3)).message == "SystemExit: 3"

    def test_an_exception_without_a_readable_text_is_still_one(self, run):
        class Unreadable(Exception):
            def __str__(self):
                raise ZeroDivisionError

        def raises():
            raise Unreadable

        assert run(raises).detail == {"exception": "Unreadable"}

    def test_what_is_not_json_is_left_for_the_record_to_refuse(self, run):
        outcome = run(object)

        assert isinstance(outcome, Completed)


class TestTimeout:
    def test_a_function_that_stops_when_told(self, run):
        def stops(ctx):
            while not ctx.cancelled:
                pass
            return "half"

        outcome = run(stops, timeout_seconds=0.05)

        assert (outcome.kind, outcome.retryable) == ("timeout", True)
        assert outcome.message.endswith("it stopped when told.")
        assert outcome.detail["stopped"] is True

    def test_a_function_that_does_not_stop_is_abandoned(self, run, short_grace, gate):
        outcome = run(lambda: gate.wait(WAIT), timeout_seconds=0.05)

        assert outcome.message.endswith("it did not stop when told and was abandoned.")
        assert outcome.detail["stopped"] is False

    def test_an_abandoned_function_says_nothing_any_more(self, run, short_grace, gate):
        said, over = [], threading.Event()

        def speaks_late(ctx):
            gate.wait(WAIT)
            ctx.progress(1, "late")
            ctx.log("late")
            over.set()

        run(
            speaks_late,
            timeout_seconds=0.05,
            change={"progress": lambda *_: said.append(1), "log": said.append},
        )
        gate.set()

        assert over.wait(WAIT)
        assert said == []


class TestCancellation:
    def cancelled(self, reason="the worker is shutting down"):
        cancellation = Cancellation()
        cancellation.request(reason)
        return cancellation

    def test_a_function_that_stops_when_told_is_interrupted(self, run):
        def stops(ctx):
            while not ctx.cancelled:
                pass
            return "half"

        outcome = run(stops, cancellation=self.cancelled())

        assert outcome == Interrupted(reason="the worker is shutting down; it stopped when told")

    def test_one_that_stops_by_an_exception_is_interrupted_too(self, run):
        def raises(ctx):
            while not ctx.cancelled:
                pass
            raise RuntimeError("stopped half-way")

        assert isinstance(run(raises, cancellation=self.cancelled()), Interrupted)

    def test_one_that_was_done_anyway_is_done(self, run):
        assert run(lambda: "whole", cancellation=self.cancelled()) == Completed(output="whole")

    def test_speaking_is_not_asking(self, run):
        def speaks(ctx):
            ctx.log("almost done")
            return "whole"

        assert run(speaks, cancellation=self.cancelled()) == Completed(output="whole")

    def test_one_that_does_not_stop_is_abandoned(self, run, short_grace, gate):
        outcome = run(lambda: gate.wait(WAIT), cancellation=self.cancelled("cancelled by hand"))

        assert outcome == Interrupted(reason="cancelled by hand; it did not stop when told and was abandoned")

    def test_it_is_told_while_it_runs(self, run):
        cancellation = Cancellation()

        def runs(ctx):
            cancellation.request("now")
            return ctx.cancelled

        assert isinstance(run(runs, cancellation=cancellation), Interrupted)
