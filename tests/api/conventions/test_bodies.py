"""Bodies from strangers: every kind of nonsense is a 4xx that says where."""

import gzip
import json

import pytest

from cpds.api.json_text import DEEPEST, parse_json

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/projects"


@pytest.fixture
def root(people):
    """A client that may make projects."""
    return people.superuser()


def sent(client, raw, **more):
    return client.call("POST", PROJECTS, raw=raw, **more)


@pytest.mark.parametrize(
    ("raw", "pointer", "code"),
    [
        (b'{"name": "a", "name": "b"}', "/name", "duplicate_key"),
        (b'{"x": [{"a": 1, "a": 2}]}', "/x/0/a", "duplicate_key"),
        (b'{"name": NaN}', "/name", "not_json"),
        (b'{"name": -Infinity}', "/name", "not_json"),
        (b'{"weight": 18446744073709551616}', "/weight", "number_too_large"),
        (b'{"weight": -9223372036854775809}', "/weight", "number_too_large"),
        (b'{"weight": 1e999}', "/weight", "number_too_large"),
        (b'{"weight": ' + b"9" * 5000 + b"}", "/weight", "number_too_large"),
        (b'{"name": "a\\u0000b"}', "/name", "nul_character"),
        (b'{"a\\u0000b": 1}', "", "nul_character"),
        (b'{"name": "\\ud800"}', "/name", "lone_surrogate"),
        (b'{"a~/b": {"\\udc00": 1}}', "/a~0~1b", "lone_surrogate"),
        (b"[" * 65 + b"]" * 65, "/0" * 64, "too_deep"),
        (b"[" * 1_000_000, "", "too_deep"),
        (b'{"a":' * 100_000, "", "too_deep"),
    ],
)
def test_what_may_not_be_there_is_pointed_to(root, raw, pointer, code):
    told = sent(root, raw)

    assert told.status_code == 400
    assert (told.body["errors"][0]["pointer"], told.body["errors"][0]["code"]) == (pointer, code)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nonsense",
        b'{"a": 1,}',
        b"{'a': 1}",
        b"\xff\xfe{}",
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"name": "x"}'.encode("utf-16"),
        gzip.compress(b"{}", mtime=0),
        b'"\x01"',
    ],
)
def test_what_is_no_json_is_refused(root, raw):
    told = sent(root, raw)

    assert told.status_code == 400
    assert told.body["errors"][0]["code"] in {"unreadable_body", "duplicate_key"}


@pytest.mark.parametrize("raw", [b"[]", b"1", b'"x"', b"null", b"true"])
def test_what_is_no_object_is_refused(root, raw):
    assert sent(root, raw).status_code == 400


def test_an_unknown_key_is_refused_with_what_was_meant(root):
    told = root.post(PROJECTS, {"slug": "a", "name": "A", "wieght": 2})

    assert told.status_code == 400
    assert told.body["errors"] == [
        {
            "pointer": "/wieght",
            "code": "unknown_key",
            "detail": "this key is not known here; did you mean 'weight'?",
        }
    ]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", "x" * 500])
def test_another_media_type_is_415(root, kind):
    told = sent(root, b'{"slug": "a", "name": "A"}', content_type=kind)

    assert told.status_code == 415
    assert told.body["code"] == 415


class TestSize:
    def test_a_length_that_is_too_large_is_refused_unread(self, root, configured):
        configured(body_bytes=1000)

        told = sent(root, b" " * 1001)

        assert told.status_code == 413
        assert told.body["message"] == "The body may have at most 1,000 bytes."
        assert told.headers["X-Request-ID"] == told.body["request_id"]

    def test_it_is_refused_before_anybody_is_asked_who_they_are(self, anybody, configured):
        configured(body_bytes=1000)

        assert sent(anybody, b" " * 1001).status_code == 413


@pytest.mark.parametrize(
    "value",
    [0, -(2**63), 2**64 - 1, 1.5, 1e300, "é中文😀", "", None, True, [[]], {"": {}}, {"a": [1, "b", None]}],
)
def test_what_is_json_is_read_as_it_is(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert parse_json(text.encode()) == value


def test_as_many_levels_as_are_allowed_are_read():
    value = parse_json(b"[" * DEEPEST + b"]" * DEEPEST)

    assert value == parse_json(b"[" * DEEPEST + b"]" * DEEPEST)
