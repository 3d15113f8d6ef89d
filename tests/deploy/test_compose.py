"""The compose files are well formed, and what they set, start and ask exists."""

import re

import pytest
from jsonschema import Draft202012Validator

from tests.deploy import commands
from tests.deploy.files import DOCKER, PORT, compose, env_file, seconds, variables_read
from tests.deploy.schemas import COMPOSE

pytestmark = pytest.mark.any_database
FILES = ["compose.standalone.yml", "compose.cloud.yml", "compose.dev.yml"]
CLOUD, STANDALONE, DEV = (
    compose("compose.cloud.yml"),
    compose("compose.standalone.yml"),
    compose("compose.dev.yml"),
)
OF_OTHERS = {"db", "redis"}
OURS = [
    (file, name, service)
    for file in FILES
    for name, service in compose(file)["services"].items()
    if name not in OF_OTHERS
]
INTERPOLATED = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:[-?][^}]*)?\}")


@pytest.mark.parametrize("file", FILES)
def test_a_file_has_the_shape_that_compose_asks_for(file):
    assert [error.message for error in Draft202012Validator(COMPOSE).iter_errors(compose(file))] == []


def test_a_misspelt_key_is_noticed():
    wrong = {"services": {"web": {"image": "cpds", "evironment": {}}}}

    assert not Draft202012Validator(COMPOSE).is_valid(wrong)


@pytest.mark.parametrize(
    ("file", "name", "service"), OURS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_variable_set_is_read(file, name, service):
    assert set(service.get("environment", {})) <= variables_read()


@pytest.mark.parametrize(
    ("file", "name", "service"), OURS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_command_and_probe_exists(file, name, service):
    if "command" in service:
        commands.check(service["command"])
    probe = service.get("healthcheck", {}).get("test")
    if probe:
        assert probe[:2] == ["CMD", "/opt/cpds/docker/entrypoint.sh"]
        commands.check(probe[2:])


@pytest.mark.parametrize("file", FILES)
def test_every_variable_filled_in_has_a_default_or_stands_in_the_example(file):
    text = (DOCKER / file).read_text(encoding="utf-8")
    example = env_file()

    for name, otherwise in INTERPOLATED.findall(text):
        assert name in example, name
        if otherwise.startswith(":-") and example[name] and name != "WORKFLOWS":
            is_ours = otherwise[2:] in {example[name], ""} or name in {"WORKFLOW", "PARAMS_FILE"}
            assert is_ours, f"{name}: the example says {example[name]}, the file {otherwise}"


def test_the_example_names_nothing_else():
    used = {
        name
        for file in FILES
        for name, _ in INTERPOLATED.findall((DOCKER / file).read_text(encoding="utf-8"))
    }

    assert set(env_file()) <= used | variables_read()


def test_volumes_networks_and_services_referred_to_exist():
    services = CLOUD["services"]
    for service in services.values():
        assert set(service["networks"]) <= set(CLOUD["networks"])
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in CLOUD["volumes"]
    assert set(DEV["services"]) <= set(services)


def test_files_referred_to_exist():
    for _, _, service in OURS:
        build = service.get("build", {})
        if "context" in build:
            assert (DOCKER / build["context"] / build["dockerfile"]).is_file()
        for watch in service.get("develop", {}).get("watch", []):
            assert (DOCKER / watch["path"]).exists(), watch
            if "target" in watch:
                assert watch["target"] == f"/opt/cpds/{watch['path'].removeprefix('../')}"


def test_everything_of_the_cloud_is_there():
    services = CLOUD["services"]

    assert set(services) == {"db", "redis", "migrate", "web", "worker", "beat"}
    assert services["beat"]["deploy"]["replicas"] == 2
    assert services["migrate"]["restart"] == "no"
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["env_file"] == [".env"]
    assert "ports" not in services["db"]
    assert "ports" not in services["redis"]
    assert "requirepass" in " ".join(services["redis"]["command"])


def test_no_password_has_a_default():
    assert ":?" in CLOUD["services"]["migrate"]["environment"]["DATABASE_URL"]
    assert not any(env_file()[name] for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY"))


def test_a_worker_is_given_longer_to_stop_than_its_tasks_are():
    worker = CLOUD["services"]["worker"]

    assert seconds(worker["stop_grace_period"]) >= int(worker["environment"]["CPDS_DRAIN_SECONDS"]) + 10


def test_the_port_published_is_the_one_that_is_served():
    for service in (CLOUD["services"]["web"], STANDALONE["services"]["cpds"]):
        assert [each.rpartition(":")[2] for each in service["ports"]] == [str(PORT)]


def test_standalone_is_one_service_that_ends_with_its_tasks():
    assert list(STANDALONE["services"]) == ["cpds"]
    assert "--auto-shutdown" in STANDALONE["services"]["cpds"]["command"]
    assert STANDALONE["services"]["cpds"]["restart"] == "no"
