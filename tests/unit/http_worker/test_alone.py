"""``python -m workers_app.sdk`` as it is started where nothing of the server is installed."""

import os
import re
import subprocess
import sys

from tests.support.processes import ROOT
from tests.unit.rehearsal.stage import staged

OF_THE_SERVER = {"django", "celery", "kombu", "rest_framework", "channels"}
OF_CLAUDE = {"anthropic", "jsonschema", "pydantic", "yaml"}
IMPORTED = re.compile(r"^import time: .*\| +(\w+)", re.MULTILINE)


def packages_imported(fleet, *options, **env):
    """Perform one task in a worker of its own; return the packages that were imported for it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CPDS_", "DJANGO_"))}
    worker = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-m",
            "workers_app.sdk",
            "--server",
            fleet.url,
            "--once",
            *options,
        ],
        cwd=ROOT,
        env={**own, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert worker.returncode == 0, worker.stderr[-2000:]
    found = set(IMPORTED.findall(worker.stderr))
    assert {"workers_app", "tasks_app", "httpx2"} <= found
    return found


def test_a_command_is_performed_without_django_celery_and_what_only_claude_needs(fleet):
    fleet.give(prompt="hello")

    found = packages_imported(fleet, "--exec", "printf %s {prompt}")

    assert fleet.told("complete")["output"] == "hello"
    assert not found & (OF_THE_SERVER | OF_CLAUDE)


def test_claude_is_asked_without_django_and_celery(fleet):
    fleet.give(prompt="Say hello")
    with staged({"text": "Hello."}) as stage:
        found = packages_imported(
            fleet, "--claude", ANTHROPIC_API_KEY="sk-test", ANTHROPIC_BASE_URL=stage.url
        )

    assert fleet.told("complete")["output"] == "Hello."
    assert "anthropic" in found
    assert not found & {*OF_THE_SERVER, "jsonschema", "yaml"}
