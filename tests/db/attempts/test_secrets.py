"""What a workflow declares secret reaches its workers, and nobody else."""

import json

import pytest

from tasks_app.models import Event, ExecutionRecord, Instance
from tasks_app.outcomes import Completed, Failed, Interrupted, Report
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.inputs import render_arguments
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.queries import instance_status
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.driving import claim
from tests.support.engine import task

pytestmark = pytest.mark.django_db
SECRET = 'plain "word" 汉字'
NUMBER = 987_654
PARAMS = {
    "token": {"type": "string", "required": True, "secret": True},
    "pin": {"type": "integer", "required": True, "secret": True},
    "none": {"required": False, "secret": True},
    "open": "everybody's",
}


@pytest.fixture
def instance(doorbell):
    source = a_workflow(a_task("only", run="echo", text="{{ params.token }}"), params=PARAMS)
    workflow = upload_workflow(source=source.encode()).workflow_id
    key = submit_instance(workflow=workflow, params={"token": SECRET, "pin": NUMBER})
    return Instance.objects.get(public_id=key)


@pytest.fixture
def held(instance):
    return claim(task(instance, "only"))


def everything_said():
    rows = [*Event.objects.values(), *ExecutionRecord.objects.values()]
    return json.dumps(rows, default=str, ensure_ascii=False)


def is_nowhere(said):
    return not any(form in said for form in ("word", str(NUMBER)))


def test_the_worker_is_told(held):
    assert render_arguments(held) == {"text": SECRET}
    assert held.params["pin"] == NUMBER


def test_the_status_hides_what_was_given(instance):
    assert instance_status(instance.public_id).params == {
        "token": "[redacted]",
        "pin": "[redacted]",
        "none": None,
        "open": "everybody's",
    }


def test_what_an_attempt_says_is_stored_without_them(held):
    Attempt.of(held).progress(fraction=0.5, message=f"half with {SECRET}")
    Attempt.of(held).log(lines=[f"pin {NUMBER}, token {SECRET}"])

    assert is_nowhere(everything_said())
    assert Event.objects.get(kind="task.log").message == "pin [redacted], token [redacted]"


def test_a_failure_is_stored_without_them(held):
    report = Report(
        prompt=f"ask {SECRET}",
        answer=f"answer {json.dumps(SECRET)} and {json.dumps(SECRET, ensure_ascii=False)}",
        metadata={"a": [SECRET]},
    )
    outcome = Failed(
        kind="exit_code",
        message=f"failed over {SECRET}",
        detail={"line": SECRET, "number": NUMBER},
        output={"stderr": SECRET, SECRET: 1},
        report=report,
    )

    report_outcome(claim=held, outcome=outcome)

    assert is_nowhere(everything_said())


def test_an_interruption_is_stored_without_them(held):
    report_outcome(claim=held, outcome=Interrupted(reason=f"stopped over {SECRET}"))

    assert is_nowhere(everything_said())


def test_what_a_task_completes_with_is_there_for_others_and_hidden_where_it_is_shown(instance, held):
    output = {"echo": f"<{SECRET}>", "pin": NUMBER, "pins": [NUMBER, 5, True]}

    report_outcome(claim=held, outcome=Completed(output=output))

    assert task(instance, "only").output == output
    shown = instance_status(instance.public_id).tasks[0].output
    assert shown == {"echo": "<[redacted]>", "pin": "[redacted]", "pins": ["[redacted]", 5, True]}


def test_the_admin_hides_them(instance, held, admin_client):
    report_outcome(claim=held, outcome=Completed(output={"echo": SECRET, "pin": NUMBER}))
    record = ExecutionRecord.objects.get()

    pages = [
        f"/admin/tasks_app/instance/{instance.pk}/change/",
        f"/admin/tasks_app/task/{held.task_id}/change/",
        f"/admin/tasks_app/executionrecord/{record.pk}/change/",
    ]

    for page in pages:
        answer = admin_client.get(page)
        assert answer.status_code == 200
        assert "word" not in answer.content.decode().replace("password", "")
        assert str(NUMBER) not in answer.content.decode()
        assert "[redacted]" in answer.content.decode()
