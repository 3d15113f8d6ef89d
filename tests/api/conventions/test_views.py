"""What every address answers is a declared view, with the keys that the schema shows and no other."""

import copy
import re

import pytest
from django.test import Client
from django.urls import resolve
from jsonschema import Draft202012Validator

from cpds.base.view import View
from tests.api.matrix import LINES
from tests.api.people import MINE, PASSWORD, ApiClient
from tests.api.seeds import filled

pytestmark = pytest.mark.django_db
NO_JSON = {"GET /api/v1/audit/export?format=jsonl"}
REFUSED_IN_THE_MATRIX = {
    "POST /api/v1/auth/token": lambda: {"username": f"{MINE}-admin", "password": PASSWORD},
    "POST /api/v1/auth/refresh": lambda: {"refresh": log_in()["refresh"]},
    "POST /api/v1/auth/logout": lambda: {"refresh": log_in()["refresh"]},
}


@pytest.fixture(scope="module")
def schema():
    """The schema, in which objects may have no keys but those that it shows."""
    closed = copy.deepcopy(Client().get("/api/schema").json())
    for component in closed["components"]["schemas"].values():
        if "properties" in component:
            component.setdefault("additionalProperties", False)
    return closed


def log_in():
    client = ApiClient()
    body = {"username": f"{MINE}-admin", "password": PASSWORD}
    return client.post("/api/v1/auth/token", body).body["data"]


def ask(line, people):
    client = people.client("admin") if line.people else people.worker()
    client = people.superuser() if line.need == "superuser" else client
    if str(line) in REFUSED_IN_THE_MATRIX:
        return client.call(line.method, line.path, REFUSED_IN_THE_MATRIX[str(line)]())
    return client.call(line.method, filled(line.path, people), filled(line.body, people))


def shown_in(schema, told):
    """Return what the schema says of an answer."""
    route = resolve(told.wsgi_request.path_info).route
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
    response = schema["paths"][path][told.wsgi_request.method.lower()]["responses"][str(told.status_code)]
    return {**response["content"]["application/json"]["schema"], "components": schema["components"]}


def is_made_of_views(data):
    """Say whether this is a view, a list of views, or a page of them."""
    if isinstance(data, dict):
        return "items" in data and is_made_of_views(data["items"])
    return isinstance(data, View) or (isinstance(data, list) and all(isinstance(each, View) for each in data))


@pytest.mark.parametrize("line", [line for line in LINES if str(line) not in NO_JSON], ids=str)
def test_an_answer_is_a_view_that_the_schema_shows(line, people, schema):
    told = ask(line, people)

    assert 200 <= told.status_code < 300, told.body
    if told.status_code == 204:
        assert not told.content
        return
    if line.path != "/api/v1/workflows/schema":  # a JSON Schema is whatever it is
        assert is_made_of_views(told.data["data"])
    Draft202012Validator(shown_in(schema, told)).validate(told.body)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing"])
def test_a_refusal_is_what_the_schema_shows(path, people, schema):
    name = "Refusal" if "v1" in path else "CompatRefusal"
    shown = {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}

    Draft202012Validator(shown).validate(people.nobody().get(path).body)
