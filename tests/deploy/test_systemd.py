"""The units name what exists, and leave each process time to stop."""

import shlex

import pytest

from tests.deploy import commands
from tests.deploy.files import DOCKER, OF_THE_INTERPRETER, seconds, unit, variables_read

pytestmark = pytest.mark.any_database
UNITS = sorted(file.name for file in (DOCKER / "systemd").iterdir())
HARDENING = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
}


def service(name):
    return {key: values[-1] for key, values in unit(name)["Service"].items()}


def environment(name):
    return dict(each.split("=", 1) for each in unit(name)["Service"]["Environment"])


def test_there_are_units_for_the_web_server_workers_and_beats():
    assert UNITS == ["cpds-beat@.service", "cpds-web.service", "cpds-worker@.service"]


@pytest.mark.parametrize("name", UNITS)
def test_it_starts_a_role_with_options_that_exist(name):
    script, *words = shlex.split(service(name)["ExecStart"].replace("%%", "%"))

    assert script == "/opt/cpds/docker/entrypoint.sh"
    commands.check(words)


@pytest.mark.parametrize("name", UNITS)
def test_every_variable_set_is_read(name):
    assert set(environment(name)) <= variables_read() | OF_THE_INTERPRETER
    assert service(name)["EnvironmentFile"] == "/etc/cpds/cpds.env"


@pytest.mark.parametrize("name", UNITS)
def test_it_is_hardened_and_no_root(name):
    found = service(name)

    assert found["User"] == found["Group"] == "cpds"
    assert {key: found.get(key) for key in HARDENING} == HARDENING


@pytest.mark.parametrize("name", UNITS)
def test_only_the_process_itself_is_asked_to_stop(name):
    assert service(name)["KillMode"] == "mixed"
    assert seconds(service(name)["TimeoutStopSec"]) >= 15


def test_a_worker_is_given_longer_to_stop_than_its_tasks_are():
    name = "cpds-worker@.service"

    assert seconds(service(name)["TimeoutStopSec"]) >= int(environment(name)["CPDS_DRAIN_SECONDS"]) + 10


def test_each_worker_has_a_name_of_its_own_that_stays():
    assert "-n w%i@%%h" in service("cpds-worker@.service")["ExecStart"]
