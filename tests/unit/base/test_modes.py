"""A settings module says itself which mode it is, however it was chosen."""

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

CLOUD = {
    "SECRET_KEY": "0123456789" * 6,
    "DATABASE_URL": "postgres://cpds:password@127.0.0.1:5432/cpds",
    "CPDS_BROKER_URL": "redis://127.0.0.1:6379/0",
    "CPDS_ALLOWED_HOSTS": "cpds.example.com",
}


def manage(*arguments, **env):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CPDS_", "DJANGO_", "DATABASE_URL", "SECRET_KEY"))
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("chosen", "mode"),
    [
        ({}, "standalone"),
        ({"CPDS_MODE": "standalone"}, "standalone"),
        ({"DJANGO_SETTINGS_MODULE": "config.settings.standalone"}, "standalone"),
        ({"CPDS_MODE": "cloud", **CLOUD}, "cloud"),
        ({"DJANGO_SETTINGS_MODULE": "config.settings.cloud", **CLOUD}, "cloud"),
    ],
    ids=str,
)
def test_the_mode_is_that_of_the_settings_in_force(tmp_path, chosen, mode):
    shown = manage("version", "--json", CPDS_STATE_DIR=str(tmp_path), **chosen)

    assert json.loads(shown.stdout)["mode"] == mode


def test_a_mode_that_does_not_exist_is_refused_in_one_line():
    refused = manage("version", CPDS_MODE="clowd")

    assert refused.returncode == 2
    assert refused.stderr == "CPDS_MODE is 'clowd'; expected standalone or cloud.\n"


@pytest.mark.parametrize("seconds", [None, "31536000", "86400"])
def test_cloud_mode_is_fit_to_be_deployed(tmp_path, seconds):
    hsts = {"CPDS_HSTS_SECONDS": seconds} if seconds else {}

    checked = manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        CPDS_MODE="cloud",
        CPDS_STATE_DIR=str(tmp_path),
        **CLOUD,
        **hsts,
    )

    assert checked.returncode == 0, checked.stderr
