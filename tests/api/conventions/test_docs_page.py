"""``/docs`` in a browser that can reach nothing but this server."""

import re
import shutil
import subprocess

import pytest

from tests.web.conftest import Server

pytestmark = [pytest.mark.any_database, pytest.mark.slow]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def web(database_url, broker, tmp_path, ended_after_test):
    program = ended_after_test(Server(directory=tmp_path))
    program.start()
    return program


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed here")
def test_it_shows_every_door_from_its_own_files(web, tmp_path):
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=60000"]

    shown = subprocess.run(
        [str(BROWSER), *words, *offline, "--dump-dom", f"http://127.0.0.1:{web.port}/docs"],
        capture_output=True,
        text=True,
        timeout=150,
        check=True,
    ).stdout

    assert 'data-path="/api/tasks/create"' in shown
    assert 'data-path="/api/v1/projects"' in shown
    asked_for = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"]+)"', shown)
    assert asked_for
    assert all(address.startswith(("/", "data:")) and not address.startswith("//") for address in asked_for)
