"""KEDA is told to ask what is served, with a token that there is, and scales what there is."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import resolve

from tests.api.people import everybody
from tests.deploy.files import PORT, manifest
from workers_app.api.autoscale import Autoscale

pytestmark = pytest.mark.any_database
CREATED = manifest("ScaledObject", "worker")
SCALED = CREATED["spec"]
[TRIGGER] = SCALED["triggers"]
ADDRESS = urlsplit(TRIGGER["metadata"]["url"])


def test_it_scales_the_workers_there_are():
    target = SCALED["scaleTargetRef"]
    worker = manifest(target["kind"], target["name"])

    assert worker["apiVersion"] == target["apiVersion"]
    assert worker["metadata"]["namespace"] == CREATED["metadata"]["namespace"]
    assert 1 <= SCALED["minReplicaCount"] <= worker["spec"]["replicas"] <= SCALED["maxReplicaCount"]
    assert SCALED["fallback"]["replicas"] == worker["spec"]["replicas"]


def test_it_asks_the_web_server_at_its_port_under_a_name_that_is_answered():
    name, namespace, _ = ADDRESS.hostname.split(".")
    service = manifest("Service", name)

    assert service["metadata"]["namespace"] == namespace
    assert ADDRESS.port == service["spec"]["ports"][0]["port"] == PORT
    assert ADDRESS.hostname in manifest("ConfigMap", "cpds")["data"]["CPDS_ALLOWED_HOSTS"].split(",")
    assert ADDRESS.scheme == "http"
    assert manifest("ConfigMap", "cpds")["data"]["CPDS_SSL_REDIRECT"] == "0"
    assert resolve(ADDRESS.path).func.view_class is Autoscale


def test_the_slots_are_those_that_workers_are_started_with():
    [container] = manifest("Deployment", "worker")["spec"]["template"]["spec"]["containers"]

    assert parse_qs(ADDRESS.query)["slots"] == [
        container["args"][container["args"].index("--concurrency") + 1]
    ]


@pytest.mark.django_db
def test_the_value_is_where_it_looks_for_it_and_a_viewer_may_ask():
    told = everybody().client("viewer").get(f"{ADDRESS.path}?{ADDRESS.query}")

    assert told.status_code == 200, told.body
    found = told.body
    for word in TRIGGER["metadata"]["valueLocation"].split("."):
        found = found[word]
    assert found == 0
    assert (TRIGGER["metadata"]["format"], TRIGGER["metadata"]["targetValue"]) == ("json", "1")


def test_its_token_is_in_a_secret_that_the_example_shows():
    asked = manifest("TriggerAuthentication", TRIGGER["authenticationRef"]["name"])
    [reference] = asked["spec"]["secretTargetRef"]

    assert TRIGGER["metadata"]["authMode"] == "bearer"
    assert reference["parameter"] == "token"
    assert reference["key"] in manifest("Secret", reference["name"])["stringData"]


def test_it_is_let_in_to_the_web_servers():
    [rule] = manifest("NetworkPolicy", "web")["spec"]["ingress"]
    [expression] = rule["from"][0]["namespaceSelector"]["matchExpressions"]

    assert expression["key"] == "kubernetes.io/metadata.name"
    assert "keda" in expression["values"]
