"""The calls of the walk through the API succeed, against a standalone of their own."""

import json
import re
import shlex
import subprocess

import pytest

from tests.docs.pages import API, section
from tests.standalone.program import Standalone

pytestmark = [pytest.mark.any_database, pytest.mark.broker, pytest.mark.slow]
DOCUMENTED = "http://127.0.0.1:8848"


def calls():
    blocks = re.findall(r"^```sh\n(.*?)^```$", section(API, "A walk with curl"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("curl ")]


def test_every_call_succeeds(tmp_path, ended_after_test):
    program = Standalone(state=tmp_path / "state", directory=tmp_path)
    ended_after_test(program)
    program.start()
    url = program.facts()["url"]

    for line in calls():
        words = [word.replace(DOCUMENTED, url) for word in shlex.split(line)]
        done = subprocess.run([*words, "--fail-with-body"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if "/api/v1/" in line and "export" not in line:
            assert json.loads(done.stdout)["code"] == 0, line


def test_the_chapter_has_calls():
    assert len(calls()) >= 5
