"""The manifests are well formed, fit together, and what they set, start and ask exists."""

import pytest
import yaml
from django.urls import resolve
from jsonschema import Draft202012Validator

from cpds.host.health.middleware import PROBES
from tests.deploy import commands
from tests.deploy.files import DOCKER, PORT, manifest, manifests, variables_read
from tests.deploy.schemas import KUSTOMIZATION, MANIFESTS

pytestmark = pytest.mark.any_database
ALL = [(file, each) for file, each in manifests() if each["kind"] != "Kustomization"]
PODS = [
    (each["metadata"]["name"], each["spec"]["template"])
    for _, each in ALL
    if each["kind"] in {"Deployment", "Job"}
]
CONTAINERS = [
    (f"{name}/{container['name']}", container)
    for name, template in PODS
    for container in [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]
]


def name_of(each):
    if isinstance(each, dict):
        return f"{each['kind']}-{each['metadata']['name']}" if "kind" in each else ""
    return str(each)


@pytest.mark.parametrize(("file", "given"), ALL, ids=name_of)
def test_a_manifest_has_the_shape_of_its_kind(file, given):
    assert [
        error.message for error in Draft202012Validator(MANIFESTS[given["kind"]]).iter_errors(given)
    ] == []


def test_the_kustomization_lists_all_but_the_secret_and_what_needs_keda():
    listed = yaml.safe_load((DOCKER / "k8s" / "kustomization.yaml").read_text(encoding="utf-8"))

    assert Draft202012Validator(KUSTOMIZATION).is_valid(listed)
    assert {*listed["resources"], "secret.example.yaml", "keda.yaml"} == {file for file, _ in ALL}


@pytest.mark.parametrize(("name", "container"), CONTAINERS, ids=name_of)
def test_every_container_starts_a_role_and_is_given_the_settings(name, container):
    commands.check(container["args"])
    assert container["envFrom"] == [{"configMapRef": {"name": "cpds"}}, {"secretRef": {"name": "cpds"}}]


@pytest.mark.parametrize(("name", "container"), CONTAINERS, ids=name_of)
def test_every_probe_asks_what_is_served(name, container):
    ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = container.get(kind)
        if probe and "httpGet" in probe:
            path = probe["httpGet"]["path"]
            assert path in PROBES  # answered for any host name, and without HTTPS
            assert resolve(path)
            assert ports[probe["httpGet"]["port"]] == PORT
        elif probe:
            script, *words = probe["exec"]["command"]
            assert script == "/opt/cpds/docker/entrypoint.sh"
            commands.check(words)


def test_every_variable_set_is_read():
    set_by_all = {*manifest("ConfigMap", "cpds")["data"], *manifest("Secret", "cpds")["stringData"]}

    assert set_by_all <= variables_read()


@pytest.mark.parametrize(("name", "template"), PODS, ids=name_of)
def test_mounts_have_volumes(name, template):
    volumes = {each["name"] for each in template["spec"]["volumes"]}
    for container in [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]:
        assert {each["name"] for each in container["volumeMounts"]} == volumes


def test_every_selector_finds_its_pods():
    labels = {name: template["metadata"]["labels"] for name, template in PODS}
    for _, each in ALL:
        spec = each.get("spec", {})
        if each["kind"] in {"Deployment", "PodDisruptionBudget"}:
            assert spec["selector"]["matchLabels"] == labels[each["metadata"]["name"]]
        elif each["kind"] == "Service":
            assert spec["selector"] == labels[each["metadata"]["name"]]
        elif each["kind"] == "NetworkPolicy":
            wanted = spec["podSelector"]["matchLabels"].items()
            assert any(wanted <= found.items() for found in labels.values())


def test_every_deployment_has_a_budget_that_lets_one_go():
    for name, _ in PODS:
        if name == "migrate":
            continue
        replicas = manifest("Deployment", name)["spec"]["replicas"]
        budget = manifest("PodDisruptionBudget", name)["spec"]
        assert budget.get("maxUnavailable", replicas - budget.get("minAvailable", 0)) >= 1


def test_a_worker_is_given_longer_to_stop_than_its_tasks_are():
    drain = int(manifest("ConfigMap", "cpds")["data"]["CPDS_DRAIN_SECONDS"])

    spec = manifest("Deployment", "worker")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] >= drain + 10


def test_nothing_starts_before_the_tables_are_there():
    for name, template in PODS:
        if name != "migrate":
            assert [each["args"] for each in template["spec"]["initContainers"]] == [["wait"]]


def test_the_service_and_the_policy_lead_to_the_port_that_is_served():
    service = manifest("Service", "web")["spec"]["ports"]
    policy = manifest("NetworkPolicy", "web")["spec"]["ingress"][0]["ports"]

    assert [each["port"] for each in service] == [each["port"] for each in policy] == [PORT]
