"""What the pages say of deployment is so."""

import re

import pytest

from tests.architecture.sources import ROOT
from tests.deploy.files import PORT, ROLES, compose, unit
from tests.docs.pages import blocks, prose, rows, section

pytestmark = pytest.mark.any_database
PAGE = ROOT / "docs" / "deploy.md"
LINES = [line for block in blocks("sh") for line in block.text.replace("\\\n", " ").splitlines()]
MADE_BY_THE_READER = {"docker/.env", "docker/k8s/secret.yaml"}


def test_every_role_is_told():
    assert [row[0].strip("`") for row in rows(section(PAGE, "The entry point"))] == list(ROLES)


def test_files_in_commands_exist():
    named = {word for line in LINES for word in re.findall(r"docker/[\w./*-]+", line)}

    assert len(named) > 8
    assert all(any(ROOT.glob(name.rstrip("/"))) for name in named - MADE_BY_THE_READER)


def test_services_scaled_and_units_enabled_exist():
    for service in re.findall(r"--scale (\w+)=", "\n".join(LINES)):
        assert service in compose("compose.cloud.yml")["services"]
    enabled = next(line for line in LINES if line.startswith("systemctl enable"))
    for name in re.findall(r"cpds-\S+", enabled):
        assert unit(f"{re.sub('@.*', '@', name)}.service")


def test_the_spans_told_are_those_of_the_files():
    service = compose("compose.cloud.yml")["services"]["worker"]
    drain, grace = service["environment"]["CPDS_DRAIN_SECONDS"], service["stop_grace_period"].rstrip("s")

    assert f"is given {grace} seconds to stop, its tasks {drain} " in prose(PAGE)
    assert f"port {PORT}" in prose(PAGE)
