"""Workers over HTTP that wait for a task: as many as may, and nobody else waits for them."""

import json
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tasks_app.services.submit.loose import create_task
from tests.support.http_workers import WebProcess
from tests.support.waiting import stays_true, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.slow]
PLACES, THREADS, ASKERS = 5, 2, 12
LONGEST = 30
WELL_BEFORE = 15.0
"""Seconds in which an answer comes that waited neither for its end nor for a thread."""


@pytest.fixture
def web(broker, database_url, tmp_path, ended_after_test):
    env = {"CPDS_TRUST_LOCAL": 1, "CPDS_LONG_POLLS": PLACES, "CPDS_WEB_THREADS": THREADS}
    server = WebProcess(directory=tmp_path, env=env)
    ended_after_test(server)
    server.start()
    return server


@pytest.fixture
def crowd():
    with ThreadPoolExecutor(ASKERS) as pool:
        yield pool


def ask(web, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(web.url + path, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LONGEST * 2) as answer:
        text = answer.read()
        return answer.status, json.loads(text) if text.startswith(b"{") else text.decode()


def a_worker(web, name, **facts):
    _, told = ask(web, "/api/v1/workers/register", {"name": name, "heartbeat_seconds": 60, **facts})
    return told["data"]["id"]


def claims_in(future: "Future[tuple[int, dict]]") -> list[str]:
    status, told = future.result()
    assert status == 200
    return [claim["task"]["task_id"] for claim in told["data"]["claims"]]


def over(futures):
    return [each for each in futures if each.done()]


def a_task(task_id, **more):
    create_task(task={"task_id": task_id, "executor": "external", **more})


def test_more_than_may_wait_are_answered_at_once_and_everybody_else_is_served(web, crowd):
    workers = [a_worker(web, f"w{number}") for number in range(ASKERS)]
    polls = [
        crowd.submit(ask, web, f"/api/v1/workers/{worker}/claims", {"wait": LONGEST}) for worker in workers
    ]

    wait_until(
        lambda: len(over(polls)) == ASKERS - PLACES, timeout=WELL_BEFORE, message="those without a place"
    )
    assert [claims_in(each) for each in over(polls)] == [[]] * (ASKERS - PLACES)
    for path in ("/livez", "/readyz", "/api/health", "/api/v1/workers", "/api/status"):
        assert ask(web, path)[0] == 200, path
    assert len(over(polls)) == ASKERS - PLACES

    for number in range(PLACES):
        a_task(f"T-{number}")
    wait_until(lambda: len(over(polls)) == ASKERS, timeout=WELL_BEFORE, message="those who wait")
    given = [task for each in polls for task in claims_in(each)]
    assert sorted(given) == [f"T-{number}" for number in range(PLACES)]


@pytest.mark.parametrize("endpoint", ["pending", "claims"])
def test_it_returns_for_what_fits_and_not_for_what_does_not(web, crowd, endpoint):
    worker = a_worker(web, "w", capabilities=["git"])
    if endpoint == "pending":
        poll = crowd.submit(ask, web, f"/api/tasks/pending?worker_id={worker}&wait={LONGEST}")
    else:
        poll = crowd.submit(ask, web, f"/api/v1/workers/{worker}/claims", {"wait": LONGEST, "limit": 5})

    a_task("for-a-gpu", requires=["gpu"])
    assert stays_true(lambda: not poll.done(), seconds=1.0)
    a_task("for-git", requires=["git"])
    wait_until(poll.done, timeout=WELL_BEFORE, message="the answer")

    if endpoint == "pending":
        assert [each["task_id"] for each in poll.result()[1]["data"]["tasks"]] == ["for-git"]
    else:
        assert claims_in(poll) == ["for-git"]
