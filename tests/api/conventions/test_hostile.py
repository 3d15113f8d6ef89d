"""Whatever strangers send to whichever endpoint: a refusal that says why, never a failure and never done."""

import json
import re

import pytest
from django.db import connection
from django.urls import resolve

from tests.api.hostile import (
    CREDENTIALS,
    HEADERS,
    HUGE,
    MORE_KEYS,
    NO_JSON,
    OTHER_KINDS,
    OTHER_NAMES,
    QUERIES,
    STRANGE_VALUES,
)
from tests.api.matrix import LINES
from tests.api.people import MINE, ApiClient, token_for, worker_token_for
from tests.api.seeds import filled

pytestmark = pytest.mark.django_db
WITH_BODIES = [line for line in LINES if line.body is not None]
WITH_NAMES = [
    line
    for line in LINES
    if re.search(r"<", resolve(re.sub(r"{\w+}", "1", line.path.partition("?")[0])).route)
]
READS = [line for line in LINES if line.method == "GET"]


@pytest.fixture
def asked(people):
    """Send a request as the caller who may do most at its endpoint."""
    clients, paths = {}, {}

    def client_for(line):
        if not line.people:
            return ApiClient(worker_token_for(people.mine), **{"X-CPDS-Project": MINE})
        user, project = (
            (people.root, None) if line.need == "superuser" else (people.user("admin"), people.mine)
        )
        return ApiClient(token_for(user, project), **{"X-CPDS-Project": MINE})

    def ask(line, path=None, **more):
        if line not in clients:
            clients[line] = client_for(line)
        if path is None and line not in paths:
            paths[line] = filled(line.path, people)
        return clients[line].call(line.method, path or paths[line], **more)

    return ask


def assert_refused(told, what):
    assert 400 <= told.status_code < 500, (what, told.status_code, told.content[:500])
    assert_plain(told, what)


def assert_plain(told, what):
    assert told.status_code < 500, (what, told.content[:500])
    assert b"Traceback" not in told.content, what
    if told.status_code >= 400:
        assert told.body["code"] == told.status_code, what
        assert told.body["message"], what
        assert all(each.keys() == {"pointer", "code", "detail"} for each in told.body["errors"]), what


@pytest.mark.parametrize("line", WITH_BODIES, ids=str)
class TestBodies:
    def test_no_json(self, line, asked):
        for what, raw in NO_JSON.items():
            assert_refused(asked(line, raw=raw), what)

    def test_other_kinds(self, line, asked):
        for kind in OTHER_KINDS:
            told = asked(line, raw=b"{}", content_type=kind)

            assert told.status_code in {400, 415}, (kind, told.status_code)
            assert_refused(told, kind)

    def test_a_hundred_megabytes(self, line, asked):
        told = asked(line, raw=b"{}", CONTENT_LENGTH=str(HUGE))

        assert told.status_code == 413
        assert_refused(told, "100 MB")

    def test_strange_values_under_every_key_it_knows(self, line, asked, people):
        if not isinstance(line.body, dict):
            pytest.skip("takes no object")
        body = filled(line.body, people)
        for key in body:
            for value in STRANGE_VALUES:
                told = asked(line, raw=json.dumps({**body, key: value}).encode())

                assert_plain(told, (key, value))

    def test_keys_that_are_not_its_own(self, line, asked, people):
        if not isinstance(line.body, dict):
            pytest.skip("takes no object")
        body = filled(line.body, people)
        for key in MORE_KEYS:
            assert_plain(asked(line, raw=json.dumps({**body, key: 1}).encode()), key)


@pytest.mark.parametrize("line", WITH_NAMES, ids=str)
def test_names_of_other_kinds_are_not_found(line, asked, people):
    path, _, query = filled(line.path, people).partition("?")
    body = json.dumps(filled(line.body, people) or {}).encode()
    for name in resolve(path).kwargs.values():
        for other in OTHER_NAMES if isinstance(name, int) else OTHER_NAMES[1:]:  # an id may start with 0
            place = re.sub(
                rf"/{re.escape(str(name))}(?=/|$)", lambda _, other=other: f"/{other}", path, count=1
            )
            told = asked(line, path=f"{place}?{query}", raw=body)

            assert_refused(told, other)
            assert told.status_code in {400, 404, 405}, (other, told.status_code, told.body)


@pytest.mark.parametrize("line", READS, ids=str)
def test_queries(line, asked, people):
    path = filled(line.path, people)
    sign = "&" if "?" in path else "?"
    for query in QUERIES:
        assert_plain(asked(line, path=f"{path}{sign}{query}"), query)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="PostgreSQL refuses more")
@pytest.mark.parametrize("line", LINES, ids=str)
class TestHeaders:
    def test_credentials(self, line, people):
        if line.need == "anyone":
            pytest.skip("asks for none")
        path = filled(line.path, people)
        for given in CREDENTIALS:
            told = ApiClient().call(
                line.method, path, filled(line.body, people), headers={"Authorization": given}
            )

            assert told.status_code == 401, given[:50]
            assert_refused(told, given[:50])

    def test_others(self, line, asked, people):
        body = json.dumps(filled(line.body, people) or {}).encode()
        for name, values in HEADERS.items():
            for value in values:
                told = asked(line, raw=body, headers={name: value})

                assert_plain(told, (name, value[:50]))
                assert "X-Evil" not in told.headers

    def test_a_method_is_what_it_is(self, line, asked, people):
        if line.method != "GET":
            pytest.skip("changes something anyhow")
        path = filled(line.path, people)
        plain = asked(line, path=path)
        sign = "&" if "?" in path else "?"

        told = asked(line, path=f"{path}{sign}_method=DELETE", headers={"X-HTTP-Method-Override": "DELETE"})

        assert told.status_code in {plain.status_code, 400}
        assert asked(line, path=path).status_code == plain.status_code

    def test_other_methods(self, line, people):
        path = filled(line.path, people)
        client = people.superuser() if line.people else people.worker()
        for method in ("TRACE", "BREW", "CONNECT"):
            told = client.call(method, path)

            assert told.status_code == 405
            assert line.method in told.headers["Allow"]
