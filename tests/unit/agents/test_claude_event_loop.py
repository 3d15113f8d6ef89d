"""The background loop of executors: results, stops, and forks."""

import asyncio
import os
import threading
import time

import pytest

from workers_app.agents import event_loop
from workers_app.executors.cancellation import Cancellation


async def value_of(value):
    return value


def test_it_returns_what_the_coroutine_returns():
    assert event_loop.run(value_of(7), Cancellation()) == 7


def test_it_raises_what_the_coroutine_raises():
    async def broken():
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        event_loop.run(broken(), Cancellation())


def test_all_threads_share_one_loop():
    async def where():
        return threading.get_ident()

    assert event_loop.run(where(), Cancellation()) == event_loop.run(where(), Cancellation())


def test_a_request_stops_the_work_which_has_unwound_by_then():
    cancellation, begun, unwound = Cancellation(), threading.Event(), []

    async def work():
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            unwound.append(True)

    threading.Thread(target=lambda: begun.wait(5) and cancellation.request("enough")).start()
    with pytest.raises(event_loop.StoppedByRequest):
        event_loop.run(work(), cancellation)

    assert unwound


def test_a_request_made_before_stops_the_work_at_once():
    cancellation = Cancellation()
    cancellation.request("enough")

    with pytest.raises(event_loop.StoppedByRequest):
        event_loop.run(asyncio.Event().wait(), cancellation)


def test_time_that_runs_out_stops_the_work():
    started = time.monotonic()

    with pytest.raises(event_loop.StoppedByTimeout):
        event_loop.run(asyncio.Event().wait(), Cancellation(), 0.05)

    assert time.monotonic() - started < 5


def test_work_that_ends_although_it_was_stopped_keeps_its_result():
    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"

    assert event_loop.run(stubborn(), Cancellation(), 0.01) == "done all the same"


def test_work_that_does_not_unwind_is_left_behind(monkeypatch):
    monkeypatch.setattr(event_loop, "UNWIND_SECONDS", 0.05)
    release = asyncio.Event()

    async def stuck():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(event_loop.StoppedByTimeout):
        event_loop.run(stuck(), Cancellation(), 0.01)

    event_loop.run(_set(release), Cancellation())


async def _set(event):
    event.set()


def test_a_request_after_the_loop_has_stopped_is_harmless():
    cancellation = Cancellation()
    event_loop.run(value_of(1), cancellation)
    event_loop.stop()

    cancellation.request("too late")

    assert event_loop.run(value_of(2), Cancellation()) == 2


def test_a_forked_child_makes_a_loop_of_its_own():
    event_loop.run(value_of(1), Cancellation())

    child = os.fork()
    if child == 0:
        os._exit(0 if event_loop.run(value_of(2), Cancellation(), 5) == 2 else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
