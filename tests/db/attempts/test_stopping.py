"""An instance that stops starts nothing again."""

import pytest

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import ExecutionRecord
from tasks_app.outcomes import Completed, Failed, Interrupted
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.attempts.stopped import forget_stopped
from tasks_app.services.control.instances import pause_instance, resume_instance
from tasks_app.services.control.tasks import cancel_task
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


@pytest.mark.parametrize(
    "outcome", [Completed(output=1), Interrupted(reason="shutdown")], ids=["done", "back"]
)
def test_a_worker_that_is_late_by_more_than_its_lease_is_told_so_too(doorbell, outcome):
    instance = an_instance(a_task("only"))
    held = claimed(instance, "only")
    cancel_task(task=task(instance, "only"))
    ExecutionRecord.objects.update(revoked_until=clock.database_now())
    forget_stopped()

    with pytest.raises(StaleDispatch):
        report_outcome(claim=held, outcome=outcome)
