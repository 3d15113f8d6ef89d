"""An instance that stops starts nothing again."""

import pytest

from tasks_app.outcomes import Failed, Interrupted
from tasks_app.services.claims import claim_task
from tasks_app.services.control import pause_instance, resume_instance
from tasks_app.services.reports import report_outcome
from tests.support.builders import a_task
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db(transaction=True)


def claimed(instance, name):
    row = task(instance, name)
    return claim_task(task_id=row.pk, dispatch_id=row.dispatch_id, worker="w@a")


def test_what_is_handed_back_after_a_failure_is_not_started_again(doorbell):
    instance = an_instance(a_task("running"), a_task("bad"))
    running, bad = claimed(instance, "running"), claimed(instance, "bad")
    report_outcome(claim=bad, outcome=Failed(kind="exception", message="no"))

    report_outcome(claim=running, outcome=Interrupted(reason="shutdown"))

    assert task(instance, "running").status == "skipped"
    instance.refresh_from_db()
    assert instance.status == "failed"


def test_what_failed_while_paused_is_followed_up_on_resume(doorbell):
    instance = an_instance(a_task("bad"), a_task("after", needs=["bad"]))
    bad = claimed(instance, "bad")
    pause_instance(given=instance.public_id)
    report_outcome(claim=bad, outcome=Failed(kind="exception", message="no"))

    resume_instance(given=instance.public_id)

    instance.refresh_from_db()
    assert (instance.status, task(instance, "after").status) == ("failed", "skipped")
