"""``GET /api/v1/autoscale``: a plain number for whoever starts and stops workers."""

import pytest

from tasks_app.models import Project, Task
from tasks_app.services.submit.loose import create_tasks
from tests.api.people import ApiClient

pytestmark = pytest.mark.django_db
PATH = "/api/v1/autoscale"


def make(slug, *requirements):
    create_tasks(
        project=Project.objects.get(slug=slug),
        tasks=[
            {"title": f"t{number}", "run": "noop", "requires": needed}
            for number, needed in enumerate(requirements)
        ],
        by="tests",
    )


def at(body, location):
    for word in location.split("."):
        body = body[word]
    return body


def test_the_number_is_where_a_scaler_looks_for_it(people):
    make("mine", [], ["gpu"], ["gpu", "node"])
    caller = people.client("viewer")

    told = caller.get(f"{PATH}?slots=1")

    assert told.status_code == 200, told.body
    assert at(told.body, "data.workers") == 3
    assert at(told.body, "data.sets.gpu+node.workers") == 1
    assert at(told.body, "data.sets._any.workers") == 1
    assert at(caller.get(f"{PATH}?slots=1&requires=gpu").body, "data.workers") == 2
    assert at(caller.get(f"{PATH}?slots=1&requires=gpu&capabilities=gpu").body, "data.workers") == 1
    assert at(caller.get(f"{PATH}?slots=1&min=1&max=2").body, "data.workers") == 2
    assert at(caller.get(f"{PATH}?requires=fpga&min=1").body, "data.workers") == 1


def test_the_tasks_of_others_are_not_counted(people):
    make("mine", [])
    make("theirs", [], [])

    assert people.client("viewer").get(f"{PATH}?slots=1").body["data"]["workers"] == 1


def test_the_sets_of_others_are_not_named(people):
    make("mine", ["gpu"])
    make("theirs", ["secret-lab"])
    Task.objects.update(status="completed", ready_at=None)

    assert people.client("viewer").get(PATH).body["data"]["sets"].keys() == {"_any", "gpu"}
    assert people.superuser().get(PATH).body["data"]["sets"].keys() == {"_any", "gpu", "secret-lab"}
    assert people.superuser().get(f"{PATH}?project=mine").body["data"]["sets"].keys() == {"_any", "gpu"}


def test_a_superuser_counts_all_unless_a_project_is_named(people):
    make("mine", [])
    make("theirs", [], [])

    caller = people.superuser()

    assert caller.get(f"{PATH}?slots=1").body["data"]["workers"] == 3
    assert caller.get(f"{PATH}?slots=1&project=theirs").body["data"]["workers"] == 2


@pytest.mark.parametrize(
    "query",
    ["slots=0", "min=-1", "max=x", "capabilities=GPU!", "requires=", "target_seconds=nan", "workers=3"],
)
def test_a_query_that_cannot_be_meant_is_refused(people, query):
    told = people.client("viewer").get(f"{PATH}?{query}")

    assert told.status_code == 400
    assert told.body["errors"]


def test_nobody_asks_without_credentials():
    assert ApiClient().get(PATH).status_code == 401
