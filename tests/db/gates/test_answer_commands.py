"""``manage.py instance approve|reject``."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from tasks_app.services.gates.evaluate import evaluate_gates
from tests.support.builders import a_task
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"type": "object", "properties": {"version": {"type": "string"}}, "required": ["version"]}


def run(*words):
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("instance", *words, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def asking(doorbell):
    instance = an_instance(a_task("release", also={"approval": {"by": ["lead"], "form": FORM}}))
    row = task(instance, "release")
    evaluate_gates(task_id=row.pk, dispatch_id=row.dispatch_id)
    assert task(instance, "release").status == "waiting"
    return instance


def test_a_task_that_waits_is_approved_with_the_values_its_form_asks_for(asking):
    code, out, _ = run("approve", asking.public_id, "--by", "lead", "--value", 'version="1.2"', "--json")

    assert code == 0
    assert json.loads(out)["state"] == "approved"
    assert task(asking, "release").status in {"pending", "queued"}


def test_it_is_rejected_with_a_comment(asking):
    code, out, _ = run("reject", asking.public_id, "--task", "release", "--by", "lead", "--comment", "no")

    assert (code, "rejected" in out) == (0, True)
    assert task(asking, "release").error_kind == "rejected"


def test_who_may_not_answer_is_told_so_and_changes_nothing(asking):
    code, _, err = run("approve", asking.public_id, "--by", "mallory", "--value", 'version="1.2"')

    assert code == 1
    assert "lead" in err
    assert task(asking, "release").status == "waiting"


def test_values_that_do_not_fit_the_form_are_named(asking):
    code, _, err = run("approve", asking.public_id, "--by", "lead")

    assert code != 0
    assert "version" in err
    assert task(asking, "release").status == "waiting"
