"""Task functions ask and say the same way in both kinds, and stop when they are told to."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest
from django.utils.asyncio import async_unsafe

from tasks_app.outcomes import Completed, Failed, Interrupted
from tests.support.waiting import wait_until
from tests.unit.executors.builders import a_call
from workers_app.executors import python_function
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.python_function import PythonFunction
from workers_app.functions import _describe


class Record:
    """What a function asks of; like the ORM it refuses in the thread of a running loop."""

    def __init__(self):
        self.said = []

    @async_unsafe("the record was asked in a loop")
    def upstream(self, name):
        return {"from": name}

    @async_unsafe("the record was told in a loop")
    def progress(self, fraction, message):
        self.said.append((fraction, message))

    @async_unsafe("the record was told in a loop")
    def log(self, message):
        self.said.append(message)


def ask_and_say(ctx):
    ctx.progress(0.5, "half")
    ctx.log("a line")
    return ctx.upstream("before")


async def ask_and_say_async(ctx):
    return ask_and_say(ctx)


async def ask_in_a_thread(ctx):
    return await asyncio.to_thread(ask_and_say, ctx)


async def ask_for_what_is_not_there(ctx):
    return ctx.upstream("unknown")


async def wait_for_ever(ctx):
    await asyncio.Event().wait()


async def stop_when_told(ctx):
    await asyncio.to_thread(wait_until, lambda: ctx.cancelled)
    return "stopped"


async def cancel_itself(ctx):
    raise asyncio.CancelledError("mine")


def executor_of(function):
    return PythonFunction(_describe(function.__name__, function))


def a_call_on(record, tmp_path, **more):
    call = a_call(tmp_path, **more)
    return replace(call, upstream=record.upstream, progress=record.progress, log=record.log)


@pytest.mark.parametrize("function", [ask_and_say, ask_and_say_async, ask_in_a_thread])
def test_every_kind_asks_and_says_by_the_same_calls(function, tmp_path):
    record = Record()

    outcome = executor_of(function).execute(a_call_on(record, tmp_path))

    assert outcome == Completed(output={"from": "before"})
    assert record.said == [(0.5, "half"), "a line"]


def test_what_asking_raises_reaches_a_coroutine(tmp_path):
    def refuse(name):
        raise LookupError(name)

    call = replace(a_call(tmp_path), upstream=refuse)

    outcome = executor_of(ask_for_what_is_not_there).execute(call)

    assert outcome.message == "LookupError: unknown"


def test_no_thread_is_left_behind(tmp_path):
    executor_of(ask_and_say_async).execute(a_call_on(Record(), tmp_path))

    assert not [each.name for each in threading.enumerate() if each.name.startswith("task-1")]


def test_a_coroutine_that_runs_out_of_time_is_cancelled(tmp_path):
    started = time.monotonic()

    outcome = executor_of(wait_for_ever).execute(a_call(tmp_path, timeout_seconds=0.05))

    assert (outcome.kind, outcome.detail["stopped"]) == ("timeout", True)
    assert time.monotonic() - started < python_function.GRACE_SECONDS


def test_a_coroutine_whose_claim_is_lost_is_cancelled(tmp_path):
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.request, ["the claim was taken back"]).start()

    outcome = executor_of(wait_for_ever).execute(a_call(tmp_path, cancellation=cancellation))

    assert outcome == Interrupted(reason="the claim was taken back; it stopped when told")


def test_a_coroutine_that_stops_when_told_is_interrupted(tmp_path):
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.request, ["the worker is shutting down"]).start()

    outcome = executor_of(stop_when_told).execute(a_call(tmp_path, cancellation=cancellation))

    assert outcome == Interrupted(reason="the worker is shutting down; it stopped when told")


def test_a_coroutine_that_cancels_itself_has_failed(tmp_path):
    outcome = executor_of(cancel_itself).execute(a_call(tmp_path))

    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.message) == ("exception", "CancelledError: mine")
