"""Requests drawn from the schema, right and wrong: every endpoint answers as it says of itself.

Each example sees the same rows: whatever it changes is rolled back.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import unquote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from django.urls import Resolver404, resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.serializers import Serializer
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from cpds.api.schema.components import component_name
from cpds.base import db
from cpds.base.view import View
from tests.api.access.test_matrix import ENDPOINTS
from tests.api.matrix import LINES
from tests.api.people import MINE, token_for, worker_token_for
from tests.api.seeds import filled
from workers_app.transports.http import long_polls

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
EXAMPLES = 4
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.ignored_auth,
]
REFUSES = {False: [], True: [checks.negative_data_rejection]}
METHODS = {"get", "post", "put", "patch", "delete"}


@cache
def read_schema():
    answer = Client().get("/api/schema")
    assert answer.status_code == 200
    read = schemathesis.openapi.from_dict(json.loads(answer.content))
    read.app = get_wsgi_application()
    return read


@pytest.fixture
def schema(db, monkeypatch):
    """Keep the test's connection, and with it the transaction of the test, from the ends of requests.

    Nobody waits for tasks that do not come.
    """
    monkeypatch.setattr(long_polls, "LONGEST_SECONDS", 0.1)
    read = read_schema()
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield read
    for signal in ends:
        signal.connect(close_old_connections)


def template_of(route):
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def route_of(path):
    try:
        return resolve(unquote(path)).route
    except Resolver404:
        return None


def address_of(line, people):
    return filled(line.path, people).partition("?")[0]


def headers_for(line, people):
    if not line.people:
        token = worker_token_for(people.mine)
    elif line.need == "superuser":
        token = token_for(people.root, None)
    else:
        token = token_for(people.user("admin"), people.mine)
    return {"Authorization": f"Bearer {token}", "X-CPDS-Project": MINE}


def is_wrong(case):
    """Say whether body or query break the schema; addresses and headers are replaced by good ones."""
    parts = case.meta.components if case.meta else {}
    return any(
        place in parts and parts[place].mode.is_negative
        for place in (ParameterLocation.BODY, ParameterLocation.QUERY)
    )


@contextmanager
def rolled_back() -> Iterator[None]:
    with db.transaction():
        yield
        transaction.set_rollback(True)


def examples(number):
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("line", LINES, ids=str)
def test_it_answers_as_it_says(line, mode, schema, people):
    found = resolve(address_of(line, people))
    operation = schema[template_of(found.route)][line.method]
    headers = headers_for(line, people)

    @examples(EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode), names_what_is_there=st.booleans())
    def ask(case, names_what_is_there):
        if names_what_is_there:
            case.path_parameters.update({key: str(value) for key, value in found.kwargs.items()})
        if route_of(case.formatted_path) != found.route:
            return  # what was drawn is the address of another endpoint
        with rolled_back():
            case.call_and_validate(headers=headers, checks=[*CHECKS, *REFUSES[is_wrong(case)]])

    ask()


def test_the_schema_shows_every_door(schema):
    raw = schema.raw_schema
    described = {
        (path, method)
        for path, item in raw["paths"].items()
        for method in METHODS & item.keys()
        if not path.startswith("/api/schema")
    }
    endpoints = {
        (template_of(route), method)
        for route, pattern in ENDPOINTS
        for method in METHODS
        if hasattr(pattern.callback.view_class, method)
    }

    assert raw["openapi"].startswith("3.1")
    assert endpoints <= described
    assert endpoints


def test_each_name_in_the_schema_means_one_shape(schema):
    modules = defaultdict(set)
    ahead = [Serializer, View]
    while ahead:
        for shape in ahead.pop().__subclasses__():
            ahead.append(shape)
            if shape.__module__.startswith(("cpds.", "tasks_app.", "workers_app.")):
                modules[component_name(shape.__name__)].add(shape.__module__)

    assert {name: found for name, found in modules.items() if len(found) > 1} == {}
