"""Pending instances: how many wait for one workflow is nothing to those of another."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Instance
from tasks_app.services.progress import admission
from tasks_app.services.progress.admission import admit_waiting
from tasks_app.services.submit.instances import submit_instance
from tasks_app.states import InstanceState
from tests.support.builders import a_task
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(admission, "BATCH", 3)


def again(instance, times):
    key = instance.workflow.public_id
    return [Instance.objects.get(public_id=submit_instance(workflow=key)) for _ in range(times)]


def with_room(instance):
    """Let a workflow have room again, and nobody have noticed."""
    Instance.objects.filter(pk=instance.pk).update(status=InstanceState.COMPLETED)


def test_those_of_a_full_workflow_hide_no_others(doorbell, fleet, small_pages):
    again(an_instance(a_task("only"), name="full", max_instances=1), 7)
    first = an_instance(a_task("only"), name="other", max_instances=1)
    second, third = again(first, 2)
    with_room(first)

    with CaptureQueriesContext(connection) as seen:
        assert admit_waiting() == [second.pk]

    pages = [each["sql"] for each in seen if "LIMIT 3" in each["sql"]]
    assert len(pages) == 2, "those of the full workflow are not read to their end"
    third.refresh_from_db()
    assert third.status == InstanceState.PENDING


def test_at_once_it_starts_no_more_than_a_batch(doorbell, fleet, small_pages):
    first = an_instance(a_task("only"), name="wide", max_instances=5)
    running = [first, *again(first, 4)]
    waiting = [each.pk for each in again(first, 5)]
    for each in running:
        with_room(each)

    assert admit_waiting() == waiting[:3]
    assert admit_waiting() == waiting[3:]
