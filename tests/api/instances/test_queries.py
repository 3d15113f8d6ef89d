"""Queries: a key that an address does not know is refused, wherever it asks."""

from itertools import product

import pytest

from tests.api.matrix import LINES
from tests.api.seeds import filled

pytestmark = pytest.mark.django_db
BY_CURSOR = ("/api/v1/tasks", "/api/v1/events", "/api/v1/audit")
BY_OFFSET = (
    *("/api/v1/projects", "/api/v1/projects/mine/members", "/api/v1/tokens", "/api/v1/workflows"),
    *("/api/v1/contracts", "/api/v1/workers"),
)
NATIVE = [line for line in LINES if line.path.startswith("/api/v1/") and line.people and "?" not in line.path]


@pytest.mark.parametrize("line", NATIVE, ids=str)
def test_a_key_that_is_not_known_is_refused(line, people):
    client = people.superuser() if line.need == "superuser" else people.client("admin")

    told = client.call(line.method, f"{filled(line.path, people)}?ordring=x", filled(line.body, people))

    assert told.status_code == 400, told.body
    assert [(each["pointer"], each["code"]) for each in told.body["errors"]] == [("?ordring", "unknown_key")]


@pytest.mark.parametrize(
    ("path", "key"), [*product(BY_CURSOR, ["offset=1"]), *product(BY_OFFSET, ["cursor=k1"])]
)
def test_a_list_takes_no_page_of_the_other_kind(path, key, people):
    told = people.client("admin").get(f"{path}?{key}")

    assert told.status_code == 400
    assert told.body["errors"][0]["code"] == "unknown_key"
    assert people.client("admin").get(path).status_code == 200


def test_what_was_meant_is_guessed(people):
    told = people.client("admin").get("/api/v1/projects?ofset=1")

    assert told.body["errors"][0]["detail"] == "this key is not known here; did you mean 'offset'?"


def test_nobody_learns_the_keys_without_credentials(people):
    assert people.nobody().get("/api/v1/projects?x=1").status_code == 401


def test_a_body_may_name_the_project(people):
    made = {path: filled(path, people) for path in ("{offered}", "{approved_contract}")}
    client = people.superuser()

    for project, status in (("theirs", 404), ("mine", 200)):
        body = {"project": project}
        contract = f"/api/v1/contracts/{made['{approved_contract}']}"
        for act in ("approve", "implemented"):
            assert client.post(f"{contract}/{act}", {**body, "version": 1}).status_code == status
        for act in ("cancel", "retry"):
            told = client.post(f"/api/v1/tasks/{made['{offered}']}/{act}", body)
            assert told.status_code == status, told.body
