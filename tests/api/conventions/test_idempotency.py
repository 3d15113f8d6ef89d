"""The same request twice is done once."""

from datetime import timedelta

import pytest

from cpds.base import clock
from tasks_app.models import IdempotencyKey, Project, Task
from tests.api.people import THEIRS, ApiClient
from workers_app.models import Worker

pytestmark = pytest.mark.django_db
PROJECTS, TOKENS = "/api/v1/projects", "/api/v1/tokens"
GARDEN = {"slug": "garden", "name": "Garden"}


def keyed(client, path, body, key="key-1"):
    return client.post(path, body, headers={"Idempotency-Key": key})


def test_the_first_answer_comes_again(people):
    root = people.superuser()

    first, again = (keyed(root, PROJECTS, GARDEN) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Project.objects.filter(slug="garden").count() == 1


def test_another_body_is_refused(people):
    root = people.superuser()
    keyed(root, PROJECTS, GARDEN)

    told = keyed(root, PROJECTS, {**GARDEN, "name": "Park"})

    assert told.status_code == 422
    assert told.body["errors"][0]["code"] == "idempotency_key_reused"


def test_the_order_of_keys_does_not_matter(people):
    root = people.superuser()
    keyed(root, PROJECTS, GARDEN)

    assert keyed(root, PROJECTS, dict(reversed(GARDEN.items()))).status_code == 201


def test_another_key_is_another_request(people):
    root = people.superuser()
    keyed(root, PROJECTS, GARDEN)

    assert keyed(root, PROJECTS, GARDEN, "key-2").status_code == 409


def test_what_was_refused_may_be_tried_again(people):
    root = people.superuser()
    Project.objects.create(slug="garden", name="Garden")
    assert keyed(root, PROJECTS, GARDEN).status_code == 409
    Project.objects.filter(slug="garden").delete()

    assert keyed(root, PROJECTS, GARDEN).status_code == 201


def test_the_key_of_somebody_else_is_another_one(people):
    for client in (people.client("viewer"), people.client("viewer", THEIRS), people.client("editor")):
        made = keyed(client, TOKENS, {"name": "mine"})
        assert made.status_code == 201
        assert "Idempotency-Replayed" not in made.headers


def test_the_project_that_is_named_belongs_to_the_request(people):
    root = people.superuser()
    keyed(root, TOKENS, {"name": "a"})

    told = root.post(TOKENS, {"name": "a"}, headers={"Idempotency-Key": "key-1", "X-CPDS-Project": "mine"})

    assert told.status_code == 422


def test_a_secret_is_not_kept_to_be_told_again(people):
    client = people.client("viewer")

    first, again = (keyed(client, TOKENS, {"name": "mine"}) for _ in range(2))

    assert again.body["data"] == {**first.body["data"], "token": None}
    assert first.body["data"]["token"] not in str(list(IdempotencyKey.objects.values()))


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "é", "a\x7fb"])
def test_what_is_no_key_is_a_mistake(people, key):
    told = keyed(people.superuser(), PROJECTS, GARDEN, key)

    assert told.status_code == 400
    assert told.body["errors"][0]["pointer"] == "header Idempotency-Key"


def test_an_answer_is_kept_for_a_day(people):
    root = people.superuser()
    keyed(root, PROJECTS, GARDEN)
    IdempotencyKey.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert keyed(root, PROJECTS, GARDEN).status_code == 409


def test_without_a_key_each_is_a_request_of_its_own(people):
    root = people.superuser()
    root.post(PROJECTS, GARDEN)

    assert root.post(PROJECTS, GARDEN).status_code == 409
    assert isinstance(root, ApiClient)


@pytest.mark.parametrize(
    ("endpoint", "status", "body"),
    [
        ("/api/v1/workers/register", 201, {"name": "builder", "slots": 1}),
        ("/api/workers/register", 200, {"worker_id": "W-1", "name": "builder", "slots": 1}),
    ],
)
def test_a_worker_registers_once_for_each_key(people, endpoint, status, body):
    worker = people.worker()

    first, again = (keyed(worker, endpoint, body) for _ in range(2))
    other = keyed(worker, endpoint, {**body, "slots": 2})

    assert (first.status_code, again.status_code, other.status_code) == (status, status, 422)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Worker.objects.get().slots == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_held_is_free_when_it_comes_again_with_a_key(people, doorbell):
    worker = people.worker()
    people.client("operator").post("/api/v1/tasks", {"task_id": "A", "executor": "external"})
    worker.post("/api/v1/workers/register", {"id": "W", "name": "w"})
    assert len(worker.post("/api/v1/workers/W/claims", {"limit": 1}).body["data"]["claims"]) == 1

    told = keyed(worker, "/api/v1/workers/register", {"id": "W", "name": "w"})

    assert told.status_code == 201, told.body
    assert Task.objects.get().status != "running"
