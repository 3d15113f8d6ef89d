"""A workflow goes by the service's rule, and the page says why when it may not."""

import pytest
from django.contrib.admin.models import LogEntry

from tasks_app.models import Instance, Workflow
from tests.admin.rows import a_version, an_instance, page, tasks_in

pytestmark = pytest.mark.django_db


def test_the_page_says_what_would_go(admin_client):
    version = a_version()
    an_instance(version=version, status="completed")

    answer = admin_client.get(page(Workflow, "delete", version.workflow_id))

    assert b"1 version(s) and 1 instance(s)" in answer.content
    assert Workflow.objects.exists()


def test_it_goes_with_its_finished_instances(admin_client):
    version = a_version()
    tasks_in(an_instance(version=version, status="completed"), 2)

    answer = admin_client.post(page(Workflow, "delete", version.workflow_id), {"post": "yes"}, follow=True)

    assert b"was deleted successfully" in answer.content
    assert not Workflow.objects.exists()
    assert not Instance.objects.exists()
    assert LogEntry.objects.count() == 1


def test_it_stays_while_an_instance_is_unfinished(admin_client):
    version = a_version(name="<b>busy</b>")
    instance = an_instance(version=version, status="paused")

    answer = admin_client.post(page(Workflow, "delete", version.workflow_id), {"post": "yes"}, follow=True)

    assert instance.public_id.encode() in answer.content
    assert b"Wait for them or cancel them" in answer.content
    assert b"<b>busy" not in answer.content
    assert Workflow.objects.exists()
    assert LogEntry.objects.count() == 0


def test_staff_need_the_permission(staff_client):
    version = a_version()

    client = staff_client("view_workflow")

    assert client.post(page(Workflow, "delete", version.workflow_id), {"post": "yes"}).status_code == 403
    assert Workflow.objects.exists()
