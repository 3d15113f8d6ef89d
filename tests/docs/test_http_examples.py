"""A workflow over HTTP, by the curl lines of docs/api.md, against a server as a user starts it."""

import json
import os
import shutil
import subprocess

import pytest

from tests.docs.pages import API, README, blocks
from tests.standalone.program import Standalone

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


def lines(word="/workflows/hello/execute"):
    text = next(each.text for each in blocks("bash", pages=[API]) if word in each.text)
    return [line for line in text.splitlines() if line]


@pytest.fixture
def server(tmp_path, ended_after_test):
    started = Standalone(state=tmp_path / "state", directory=tmp_path, env={})
    ended_after_test(started)
    started.start()
    return started


@pytest.fixture
def run(server, tmp_path):
    """Run a line as the page has it; ``$INSTANCE`` is what was started last."""
    url = server.facts()["url"].rstrip("/")
    environment = dict(os.environ)

    def ran(line):
        command = line.replace("http://127.0.0.1:8848", url)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            timeout=60,
            check=True,
        )
        answer = json.loads(done.stdout or '{"code": 0}')
        assert answer["code"] == 0, answer
        if "/execute" in line:
            environment["INSTANCE"] = answer["data"]["instance_id"]
        return answer

    return ran


def test_a_workflow_goes_from_its_upload_to_its_end(server, run, tmp_path):
    hello = next(each for each in blocks("yaml", pages=[README]))
    (tmp_path / "hello.yaml").write_text(hello.text, encoding="utf-8")

    for line in lines():
        run(line)
    show = next(line for line in lines() if line.endswith("/$INSTANCE"))
    server.wait_for(lambda: "finished_at" in run(show)["data"], seconds=60)

    ended = run(show)["data"]
    assert ended["progress"]["completed"] == ended["progress"]["total"]
    assert (ended["status"], bool(ended["duration"])) == ("Success", True)


def test_an_instance_is_paused_resumed_and_cancelled_and_its_workflow_deleted(run):
    write, *calls = lines("/$INSTANCE/pause")
    run(write)

    told = [run(line) for line in calls]

    assert told[-1]["data"]["instances"] == 1
