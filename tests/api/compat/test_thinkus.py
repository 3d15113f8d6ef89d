"""The routes of the orchestrator, with its keys beside the envelope's."""

import pytest

from tasks_app.models import Contract, Event, Instance, Task

pytestmark = pytest.mark.django_db
FEATURE = {
    "id": "F007",
    "name": "Password reset",
    "description": "Users who forgot their password get a new one by mail.",
    "module": "auth",
    "involves": ["backend", "database"],
}

FIRST = {"featureId": "F1", "featureName": "Login"}


def test_the_tasks_of_a_project_are_counted(curl):
    """TH-22."""
    curl.post("/api/v1/tasks", {"executor": "external"})

    told = curl.get("/api/v1/tasks?projectId=default").body

    assert (told["code"], told["message"], told["tasks"]) == (0, "success", 1)


class TestSchedule:
    """TH-23."""

    def test_a_task_is_scheduled(self, curl):
        body = {
            "projectId": "default",
            "featureId": "F1",
            "name": "Build the form",
            "type": "develop",
            "priority": 1,
            "assignedTo": "elena_ux",
            "params": {"page": "Login"},
        }

        told = curl.post("/api/v1/tasks/schedule", body)

        assert told.status_code == 200
        assert {key: told.body[key] for key in ("code", "success", "message", "projectId")} == {
            "code": 0,
            "success": True,
            "message": "Task scheduled",
            "projectId": "default",
        }
        task = Task.objects.get(task_id=told.body["data"]["task_id"])
        assert (task.title, task.priority) == ("Build the form", 1)
        assert task.tags == ["develop", "feature:F1", "assigned:elena_ux"]
        assert "page: Login" in task.description

    def test_it_waits_for_what_it_depends_on(self, curl):
        first = curl.post("/api/v1/tasks/schedule", {"name": "one"}).body["data"]["task_id"]

        curl.post("/api/v1/tasks/schedule", {"name": "two", "dependencies": [first]})

        needs = Task.objects.get(title="two").needs.values_list("needed__task_id", flat=True)
        assert list(needs) == [first]

    def test_a_sample_without_a_body(self, curl):
        assert curl.post("/api/v1/tasks/schedule").body["message"] == "Task scheduled"
        assert Task.objects.count() == 1


def test_the_contracts_of_a_project_are_counted(curl):
    """TH-24."""
    curl.post("/api/v1/contracts/create")

    assert curl.get("/api/v1/contracts?projectId=default").body["contracts"] == 1


class TestCreateContract:
    """TH-25."""

    def test_it_is_created(self, curl):
        body = {"projectId": "default", "featureId": "F1", "featureName": "Login", "status": "draft"}

        told = curl.post("/api/v1/contracts/create", body)

        assert told.status_code == 200
        assert (told.body["success"], told.body["message"]) == (True, "Contract created")
        assert told.body["data"]["featureId"] == "F1"

    def test_a_sample_without_a_body(self, curl):
        curl.post("/api/v1/contracts/create")

        assert Contract.objects.get().feature_name == "User Login"

    def test_the_sample_is_there_once(self, curl):
        first, again = (curl.post("/api/v1/contracts/create") for _ in range(2))

        assert (first.status_code, again.status_code) == (200, 200)
        assert again.body == first.body
        assert curl.post("/api/v1/contracts/create", FIRST).status_code == 200
        assert curl.post("/api/v1/contracts/create", FIRST).status_code == 409


class TestStartWorkflow:
    """TH-26."""

    def test_it_answers_with_the_documented_keys_and_starts_all_stages(self, curl):
        told = curl.post("/api/v1/workflow/start", {"projectId": "default", "feature": FEATURE})

        assert told.status_code == 200
        assert (told.body["success"], told.body["message"]) == (True, "Workflow started")
        assert told.body["projectId"] == "default"
        instance = Instance.objects.get(public_id=told.body["data"]["instance_id"])
        assert (instance.workflow_name, instance.status) == ("feature-delivery", "running")
        assert instance.params["feature"] == "Password reset"
        assert instance.params["description"] == FEATURE["description"]
        stages = {task.tags[0] for task in instance.tasks.all()}
        assert stages == {f"stage-{number}" for number in range(1, 9)}

    def test_the_draft_of_the_contract_is_there(self, curl):
        curl.post("/api/v1/workflow/start", {"feature": FEATURE})
        curl.post("/api/v1/workflow/start", {"feature": FEATURE})

        contract = Contract.objects.get()
        assert (contract.feature_id, contract.frontend) == ("F007", None)
        assert contract.database == {"table": "auth", "fields": []}

    def test_the_feature_may_be_the_body_itself(self, curl):
        curl.post("/api/v1/workflow/start", FEATURE)

        assert Instance.objects.get().params["feature"] == "Password reset"

    def test_a_sample_without_a_body(self, curl):
        curl.post("/api/v1/workflow/start")

        assert Instance.objects.get().params["feature"] == "User Login"

    @pytest.mark.parametrize(
        ("key", "asked", "confirms"),
        [("", None, False), ("a-key", None, True), ("a-key", False, False), ("", True, True)],
    )
    def test_a_person_confirms_the_design_unless_it_is_a_rehearsal(
        self, curl, configured, key, asked, confirms
    ):
        configured(trust_local=True, claude_api_key=key)

        curl.post("/api/v1/workflow/start", {"confirmDesign": asked})

        assert Instance.objects.get().params["confirm_design"] is confirms


@pytest.mark.parametrize(
    ("endpoint", "body", "kinds"),
    [
        ("/api/v1/workflow/start", {"feature": FEATURE}, {"contract.created", "workflow.uploaded"}),
        ("/api/v1/contracts/create", {}, {"contract.created"}),
        ("/api/v1/contracts/create", FIRST, {"contract.created"}),
    ],
)
def test_what_is_made_on_the_way_is_told_with_who_asked(people, endpoint, body, kinds):
    assert people.client("editor").post(endpoint, body).status_code == 200

    events = Event.objects.filter(kind__regex=r"^(contract|workflow)\.")
    assert kinds <= {each.kind for each in events}
    assert {each.data["by"] for each in events} == {"mine-editor"}
