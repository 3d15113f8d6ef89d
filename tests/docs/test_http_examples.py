"""The README's way of a workflow over HTTP, by its own curl lines, against a server as a user starts it."""

import json
import os
import shutil
import subprocess

import pytest

from tests.docs.pages import README, blocks
from tests.standalone.program import Standalone

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


def lines():
    text = next(each.text for each in blocks("bash", pages=[README]) if "/execute" in each.text)
    return [line for line in text.splitlines() if line]


def test_a_workflow_goes_from_its_upload_to_its_end(tmp_path, ended_after_test):
    hello = next(each for each in blocks("yaml", pages=[README]))
    (tmp_path / "hello.yaml").write_text(hello.text, encoding="utf-8")
    server = Standalone(state=tmp_path / "state", directory=tmp_path, env={})
    ended_after_test(server)
    server.start()
    url = server.facts()["url"].rstrip("/")
    told, environment = {}, dict(os.environ)

    def run(line):
        command = line.replace("http://127.0.0.1:8848", url)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)

    for line in lines():
        told[line] = run(line)
        assert told[line]["code"] == 0, told[line]
        if "/execute" in line:
            environment["INSTANCE"] = told[line]["data"]["instance_id"]
    show = next(line for line in lines() if line.endswith("/$INSTANCE"))
    server.wait_for(lambda: "finished_at" in run(show)["data"], seconds=60)

    ended = run(show)["data"]
    assert ended["progress"]["completed"] == ended["progress"]["total"]
    assert (ended["status"], bool(ended["duration"])) == ("Success", True)
