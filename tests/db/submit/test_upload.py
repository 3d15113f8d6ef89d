"""A workflow's versions: the same again changes nothing, a change is the next, instances keep theirs."""

import pytest

from tasks_app.errors import InvalidWorkflow, WorkflowInUse
from tasks_app.models import Event, ExecutionRecord, Instance, Task, Workflow, WorkflowVersion
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import latest_spec, upload_workflow
from tasks_app.services.workflows.removal import delete_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.driving import complete, drive_to_end, fail
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def upload(*tasks, **more):
    return upload_workflow(source=a_workflow(*tasks, **more).encode())


def test_a_new_workflow_is_its_first_version():
    uploaded = upload(a_task("one"), a_task("two"), description="what it does")

    assert (uploaded.version, uploaded.task_count, uploaded.created) == (1, 2, True)
    workflow = Workflow.objects.get()
    assert (workflow.public_id, workflow.latest) == (uploaded.workflow_id, 1)
    assert workflow.description == "what it does"


def test_the_same_again_is_no_new_version():
    first, again = upload(a_task("one")), upload(a_task("one"))

    assert (again.workflow_id, again.version, again.created) == (first.workflow_id, 1, False)
    assert WorkflowVersion.objects.count() == 1


def test_comments_and_layout_do_not_count():
    text = a_workflow(a_task("one"))
    upload_workflow(source=text.encode())

    again = upload_workflow(source=f"# a comment\n\n{text}\n\n".encode())

    assert not again.created


def test_a_byte_order_mark_does_not_count():
    text = a_workflow(a_task("one")).encode()
    upload_workflow(source=text)

    assert not upload_workflow(source=b"\xef\xbb\xbf" + text).created


@pytest.mark.parametrize(
    "changed",
    [
        [a_task("two")],
        [a_task("one", run="fail")],
        [a_task("one", also={"timeout": 5})],
        [a_task("one", also={"priority": "high"})],
        [a_task("one"), a_task("two", needs=["one"])],
    ],
)
def test_a_change_is_the_next_version(changed):
    first = upload(a_task("one"))

    second = upload(*changed)

    assert (second.workflow_id, second.version, second.created) == (first.workflow_id, 2, True)
    assert Workflow.objects.get().latest == 2


def test_back_to_an_older_definition_is_a_version_of_its_own():
    for number, name in enumerate(["one", "two", "one"], start=1):
        assert upload(a_task(name)).version == number


def test_an_instance_keeps_the_version_it_started_with(doorbell):
    instance = an_instance(a_task("one", run="echo", word="old"))

    upload(a_task("one", run="echo", word="new"), a_task("two"))

    assert (instance.version.number, instance.task_count) == (1, 1)
    assert task(instance, "one").spec["with"] == {"word": "old"}
    drive_to_end(instance, doorbell)
    assert Task.objects.filter(instance=instance).count() == 1


def test_a_next_instance_has_the_newest(doorbell):
    upload(a_task("one"))
    uploaded = upload(a_task("two"))

    submit_instance(workflow=uploaded.workflow_id)

    assert Task.objects.get().name == "two"
    assert latest_spec(Workflow.objects.get()).tasks[0].name == "two"


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\xff\xfe",
        b"name: x\x00",
        b"tasks: []",
        b'name: a\ntasks: [{name: "a\\0b", run: noop}]',
        b'name: a\ndescription: "\\0"\ntasks: [{name: a, run: noop}]',
        b'name: a\ntasks: [{name: a, run: echo, with: {word: "\\0"}}]',
        b'name: a\ntasks: [{name: a, run: echo, with: {"\\0": 1}}]',
        b'name: a\ntasks: [{name: a, run: echo, with: {word: "\\ud800"}}]',
        b"name: a\ntasks: [{name: a, run: nobody}]",
        b"name: a\ntasks: [{name: a, run: echo, with: {word: .nan}}]",
    ],
)
def test_nothing_is_stored_of_an_invalid_one(source):
    with pytest.raises(InvalidWorkflow):
        upload_workflow(source=source)

    assert not Workflow.objects.exists()


def test_an_invalid_next_version_leaves_the_last_one(doorbell):
    uploaded = upload(a_task("one"))

    with pytest.raises(InvalidWorkflow):
        upload(a_task("one", needs=["one"]))

    assert Workflow.objects.get().latest == 1
    assert submit_instance(workflow=uploaded.workflow_id)


class TestDelete:
    def test_a_workflow_goes_with_its_finished_instances(self, doorbell):
        instance = an_instance(a_task("one"))
        complete(task(instance, "one"))

        removed = delete_workflow(given="a-workflow")

        assert (removed.name, removed.instances) == ("a-workflow", 1)
        for model in (Workflow, WorkflowVersion, Instance, Task, ExecutionRecord):
            assert not model.objects.exists()
        assert set(Event.objects.values_list("kind", flat=True)) == {"workflow.uploaded", "workflow.deleted"}

    def test_another_workflow_is_left_alone(self, doorbell):
        upload(a_task("one"), name="gone")
        other = an_instance(a_task("one"), name="kept")

        delete_workflow(given="gone")

        other.refresh_from_db()

    def test_an_unfinished_instance_keeps_it(self, doorbell):
        done, open_one = an_instance(a_task("one")), an_instance(a_task("one"))
        fail(task(done, "one"))

        with pytest.raises(WorkflowInUse) as refused:
            delete_workflow(given="a-workflow")

        assert open_one.public_id in str(refused.value)
        assert done.public_id not in str(refused.value)
        assert Instance.objects.count() == 2
