"""A task that somebody names is found under that name, or is not created."""

from urllib.parse import quote

import pytest
from django.urls import URLResolver, get_resolver

from tasks_app.models import Task
from tasks_app.planning.inputs.task_ids import TAKEN_WORDS

pytestmark = pytest.mark.django_db
CREATED_AT = ["/api/v1/tasks", "/api/tasks/create"]
PLACES = ("api/tasks/", "api/v1/tasks/")


def words_of_addresses():
    """Return what stands in the place of a task's id in an address, and is none."""
    included = [each for each in get_resolver().url_patterns if isinstance(each, URLResolver)]
    routes = [str(each.pattern) for within in included for each in within.url_patterns]
    after = [route.removeprefix(place) for route in routes for place in PLACES if route.startswith(place)]
    return {rest.partition("/")[0] for rest in after if not rest.startswith("<")}


def test_every_word_of_an_address_is_refused():
    found = words_of_addresses()

    assert {"pending", "bulk", "schedule"} <= found <= TAKEN_WORDS


@pytest.mark.parametrize("endpoint", CREATED_AT)
@pytest.mark.parametrize("given", ["a/b", *sorted(TAKEN_WORDS)])
def test_an_id_without_an_address_is_refused_by_name(people, endpoint, given):
    told = people.client("operator").post(endpoint, {"task_id": given, "executor": "external"})

    assert told.status_code == 422, told.body
    assert [each["pointer"] for each in told.body["errors"]] == ["/task_id"]
    assert not Task.objects.exists()


@pytest.mark.parametrize("endpoint", CREATED_AT)
@pytest.mark.parametrize("given", ["a.b", "a b", "%2F", "ä?#;&", "17", "x" * 200])
def test_other_ids_are_found_at_both_addresses(people, endpoint, given):
    client = people.client("operator")
    assert client.post(endpoint, {"task_id": given, "executor": "external"}).status_code in {200, 201}

    for place in PLACES:
        told = client.get(f"/{place}{quote(given, safe='')}")
        assert (told.status_code, told.body["data"]["task_id"]) == (200, given)
