"""An instance is there whole, with everything it needs to go on by itself, or not at all."""

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tasks_app.errors import InvalidParams
from tasks_app.models import Dependency, Event, Instance, Task
from tasks_app.services.submit import instances
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_chain, a_diamond, a_task, a_workflow, layers
from tests.support.driving import drive_to_end
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def test_it_runs_when_the_call_returns(doorbell):
    instance = an_instance(a_task("one"))

    assert instance.status == InstanceState.RUNNING
    assert instance.started_at is not None
    assert Event.objects.filter(instance=instance, kind="instance.running").count() == 1


def test_its_params_are_complete(doorbell):
    uploaded = upload_workflow(
        source=a_workflow(a_task("one"), params={"given": 1, "default": "汉字"}).encode()
    )

    submit_instance(workflow=uploaded.workflow_id, params={"given": 2})

    instance = Instance.objects.get()
    assert instance.params == {"given": 2, "default": "汉字"}


@pytest.mark.parametrize(
    "params",
    [{"unknown": 1}, {"text": 5}, {"any": []}, {"any": {"a": 1e999}}, {"any": {"a": {1, 2}}}, {"text": None}],
)
def test_params_that_do_not_fit_start_nothing(doorbell, params):
    uploaded = upload_workflow(
        source=a_workflow(
            a_task("one"),
            params={"text": {"type": "string", "default": ""}, "any": {"type": "object", "default": {}}},
        ).encode()
    )

    with pytest.raises(InvalidParams):
        submit_instance(workflow=uploaded.workflow_id, params=params)

    assert not Instance.objects.exists()


def test_characters_that_no_database_stores_are_replaced(doorbell):
    uploaded = upload_workflow(source=a_workflow(a_task("one"), params={"text": ""}).encode())

    submit_instance(workflow=uploaded.workflow_id, params={"text": "a\x00b\ud800"})

    assert Instance.objects.get().params == {"text": "a�b?"}


def test_the_graph_is_stored_as_it_was_written(doorbell):
    instance = an_instance(*a_diamond())

    edges = Dependency.objects.filter(task__instance=instance)
    assert sorted(edges.values_list("task__name", "needed__name")) == [
        ("diamond-bottom", "diamond-left"),
        ("diamond-bottom", "diamond-right"),
        ("diamond-left", "diamond-top"),
        ("diamond-right", "diamond-top"),
    ]
    assert [task(instance, f"diamond-{place}").rank for place in ("top", "left", "bottom")] == [
        3000,
        2000,
        1000,
    ]


def test_what_needs_nothing_is_published(doorbell):
    instance = an_instance(*a_chain(2), a_task("alone"))

    heads = Task.objects.filter(instance=instance, status=TaskState.QUEUED)
    assert sorted(heads.values_list("name", flat=True)) == ["alone", "link-0"]
    assert {message.task_id for message in doorbell.messages} == set(heads.values_list("pk", flat=True))


def test_half_an_instance_is_none(doorbell, monkeypatch):
    uploaded = upload_workflow(source=a_workflow(*a_chain(3)).encode())

    def breaks(*_args, **_kwargs):
        raise OperationalError

    monkeypatch.setattr(Dependency.objects, "bulk_create", breaks)

    with pytest.raises(OperationalError):
        submit_instance(workflow=uploaded.workflow_id)

    assert not Instance.objects.exists()
    assert not Task.objects.exists()


def test_one_whose_submitter_died_after_the_commit_still_runs(doorbell, fleet, monkeypatch):
    uploaded = upload_workflow(source=a_workflow(*a_diamond()).encode())

    def dies(**_facts):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(instances, "pump", dies)
        with pytest.raises(KeyboardInterrupt):
            submit_instance(workflow=uploaded.workflow_id)

    assert drive_to_end(Instance.objects.get(), doorbell).status == InstanceState.COMPLETED


def test_a_database_that_goes_after_the_commit_does_not_deny_it(doorbell, fleet, monkeypatch):
    uploaded = upload_workflow(source=a_workflow(a_task("one")).encode())

    def breaks():
        raise OperationalError

    monkeypatch.setattr(instances, "pump", breaks)

    key = submit_instance(workflow=uploaded.workflow_id)

    assert drive_to_end(Instance.objects.get(public_id=key), doorbell).status == InstanceState.COMPLETED


def test_a_broker_that_is_away_does_not_stop_it(doorbell, fleet):
    doorbell.is_broken = True

    instance = an_instance(*a_diamond())

    doorbell.is_broken = False
    assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED


def test_thousands_of_tasks_take_few_statements(doorbell):
    source = a_workflow(*layers(30, 100)).encode()
    uploaded = upload_workflow(source=source)

    with CaptureQueriesContext(connection) as asked:
        submit_instance(workflow=uploaded.workflow_id)

    assert Task.objects.count() == 3_000
    assert len(asked) < 180
