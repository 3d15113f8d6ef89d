"""``manage.py fake_claude`` as a program: ready, asked, told to stop."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.core.management import CommandError

from workers_app.agents.rehearsal.serve import NotLoopback, serve
from workers_app.agents.rehearsal.server import Rehearsal
from workers_app.management.commands.fake_claude import Command

ROOT = Path(__file__).parents[3]
# The command alone: what Django sets up around it is not its business.
PROGRAM = """
import sys
from workers_app.management.commands.fake_claude import Command
Command().run_from_argv(sys.argv)
"""


@pytest.fixture
def started():
    programs = []

    def start(*arguments):
        argv = [sys.executable, "-c", PROGRAM, "fake_claude", *arguments]
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "PYTHONPATH": str(ROOT)}
        program = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=ROOT, text=True
        )
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.kill()
        program.communicate(timeout=10)


def test_it_says_where_it_is_answers_there_and_stops_cleanly(started):
    program = started("--json", "--latency", "0")

    ready = json.loads(program.stdout.readline())
    with urllib.request.urlopen(ready["url"] + "/v1/models", timeout=10) as answer:
        assert json.load(answer)["data"]
    program.send_signal(signal.SIGTERM)
    _, complaints = program.communicate(timeout=10)

    assert ready["simulated"] is True
    assert ready["url"].startswith("http://127.0.0.1:")
    assert (program.returncode, complaints) == (0, "")


def test_it_follows_a_script(started, tmp_path):
    path = tmp_path / "script.yaml"
    path.write_text("rules: [{text: Scripted words}]", encoding="utf-8")
    program = started("--script", str(path))

    url = program.stdout.readline().split()[-1]
    body = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), {"x-api-key": "k"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["content"][0]["text"] == "Scripted words"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_it_answers_this_machine_only(host):
    with pytest.raises(NotLoopback):
        serve(Rehearsal(), host=host, port=0, ready=lambda _url: None)


@pytest.mark.parametrize(
    "options",
    [{"host": "0.0.0.0"}, {"latency": -1.0}, {"script": Path("absent.yaml")}],
)
def test_what_it_cannot_do_is_a_usage_error(options):
    usual = {"host": "127.0.0.1", "port": 0, "script": None, "latency": 1.0, "json": False}

    with pytest.raises(CommandError) as refused:
        Command().handle(**{**usual, **options})

    assert refused.value.returncode == 2
