"""What ended long ago is deleted, piece by piece, and nothing else."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cpds.base import clock
from tasks_app.errors import IllegalMove, NotFound, WorkflowInUse, WorkflowNeeded
from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import retry_instance
from tasks_app.services.submit.instances import rerun_instance
from tasks_app.services.workflows import prune
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.services.workflows.prune import prunable_instances, prune_due, prune_instances
from tasks_app.services.workflows.removal import delete_workflow
from tests.support.builders import a_diamond, a_task, a_workflow
from tests.support.driving import complete, deliver, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, task
from tests.support.loose import created

pytestmark = pytest.mark.django_db
DAY = 86_400


def ended(doorbell, *, days=10, name="old"):
    instance = drive_to_end(an_instance(*a_diamond(), name=name), doorbell)
    age(instance, days)
    return instance


def age(instance, days):
    Instance.objects.filter(pk=instance.pk).update(finished_at=clock.database_now_plus(-days * DAY))


def failed(days=10):
    instance = an_instance(a_task("only"), name="failing")
    fail(task(instance, "only"))
    age(instance, days)
    return instance


def pruned(**asked):
    return [key for key, gone in prune_instances(prunable_instances(**asked)) if gone]


def test_it_deletes_what_ended_long_ago_with_everything_of_it(doorbell, fleet):
    old, young = ended(doorbell), ended(doorbell, days=1, name="young")

    assert pruned(older_than_seconds=5 * DAY) == [old.public_id]

    assert list(Instance.objects.all()) == [young]
    assert set(Task.objects.values_list("instance", flat=True)) == {young.pk}
    of_instances = Event.objects.filter(instance__isnull=False)
    assert set(of_instances.values_list("instance", flat=True)) == {young.pk}
    assert set(ExecutionRecord.objects.values_list("task__instance", flat=True)) == {young.pk}
    assert set(Dependency.objects.values_list("task__instance", flat=True)) == {young.pk}


def test_what_people_did_to_it_stays_in_the_audit(doorbell, fleet):
    old = an_instance(a_task("only"))
    cancel_instance(given=old.public_id, by="ada", reason="wrong")
    Instance.objects.filter(pk=old.pk).update(finished_at=clock.database_now_plus(-10 * DAY))

    assert pruned(older_than_seconds=5 * DAY) == [old.public_id]

    event = Event.objects.get(kind="instance.cancelled")
    assert (event.instance, event.project_id) == (None, old.project_id)
    assert event.data == {"by": "ada", "instance": old.public_id}
    assert event.message == "wrong"


def test_an_unfinished_instance_stays_however_old(doorbell, fleet):
    instance = an_instance(a_task("only"))
    Instance.objects.filter(pk=instance.pk).update(created_at=clock.database_now_plus(-99 * DAY))

    assert pruned(older_than_seconds=DAY) == []
    assert list(prune_instances([instance.public_id])) == [(instance.public_id, False)]
    assert Task.objects.filter(instance=instance).exists()


def test_the_origin_of_an_unfinished_rerun_stays_until_that_ends(doorbell, fleet):
    origin = ended(doorbell)
    new = Instance.objects.get(public_id=rerun_instance(given=origin.public_id, from_task="diamond-left"))

    assert pruned(older_than_seconds=DAY) == []
    assert list(prune_instances([origin.public_id])) == [(origin.public_id, False)]

    drive_to_end(new, doorbell)

    assert pruned(older_than_seconds=DAY) == [origin.public_id]
    new.refresh_from_db()
    assert new.origin is None


def test_a_state_and_a_workflow_choose(doorbell, fleet):
    completed, bad = ended(doorbell), failed()

    assert prunable_instances(older_than_seconds=DAY, states=["failed"]) == [bad.public_id]
    assert prunable_instances(older_than_seconds=DAY, workflow="old") == [completed.public_id]


def test_every_statement_deletes_a_few_rows_by_key(doorbell, fleet, monkeypatch):
    monkeypatch.setattr(prune, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(prune, "TASKS_AT_ONCE", 2)
    ended(doorbell)

    with CaptureQueriesContext(connection) as captured:
        pruned(older_than_seconds=DAY)

    deletes = [each["sql"] for each in captured.captured_queries if each["sql"].startswith("DELETE")]
    assert len(deletes) > 10
    assert [sql for sql in deletes if " IN (" not in sql or sql.count(",") > 2] == []
    assert not Instance.objects.exists()


class TestInterrupted:
    @pytest.fixture
    def half_gone(self, doorbell, fleet, monkeypatch):
        """A failed instance whose pruning died after its events."""
        instance = failed()
        with monkeypatch.context() as patched:
            patched.setattr(prune, "ExecutionRecord", None)
            with pytest.raises(AttributeError):
                pruned(older_than_seconds=DAY)
        assert not Event.objects.filter(instance=instance).exists()
        return instance

    def test_nothing_brings_it_back(self, half_gone):
        with pytest.raises(IllegalMove, match="gone"):
            retry_instance(given=half_gone.public_id)
        with pytest.raises(NotFound):
            rerun_instance(given=half_gone.public_id, from_task="only")

    def test_whoever_prunes_next_goes_on_with_it(self, half_gone):
        assert pruned(older_than_seconds=300 * DAY) == [half_gone.public_id]
        assert not Task.objects.exists()


class TestChore:
    def test_it_is_off_by_default(self, doorbell, fleet):
        ended(doorbell, days=4000)

        assert sweep_now().pruned == 0
        assert Instance.objects.exists()

    def test_it_keeps_as_many_days_as_the_setting_says(self, doorbell, fleet, settings):
        ended(doorbell, days=31)
        young = ended(doorbell, days=29, name="young")
        settings.CPDS = {**settings.CPDS, "prune_after_days": 30}

        assert sweep_now().pruned == 1
        assert list(Instance.objects.all()) == [young]

    def test_it_does_a_little_at_a_time(self, doorbell, fleet, settings, monkeypatch):
        monkeypatch.setattr(prune, "TASKS_IN_A_SWEEP", 4)
        for place in range(3):
            ended(doorbell, name=f"w{place}")
        settings.CPDS = {**settings.CPDS, "prune_after_days": 1}

        assert [prune_due(), prune_due(), prune_due(), prune_due()] == [1, 1, 1, 0]


def test_one_that_was_retried_meanwhile_stays(doorbell, fleet):
    instance = failed()
    chosen = prunable_instances(older_than_seconds=DAY)
    retry_instance(given=instance.public_id)

    assert list(prune_instances(chosen)) == [(instance.public_id, False)]

    complete(task(instance, "only"))


def a_family(doorbell, *, outer="outer", inner="inner", days=10):
    """A parent that failed after its child completed, both long ago."""
    upload_workflow(source=a_workflow(a_task("work"), name=inner).encode())
    parent = an_instance({"name": "sub", "workflow": inner}, a_task("last", needs=["sub"]), name=outer)
    deliver_all(doorbell)
    child = Instance.objects.get(parent_task__instance=parent)
    complete(task(child, "work"))
    fail(task(parent, "last"))
    for each in (parent, child):
        age(each, days)
    return parent, child


def deliver_all(doorbell):
    for message in doorbell.take():
        if Task.objects.get(pk=message.task_id).name == "sub":
            deliver(message, doorbell)


class TestFamilies:
    def test_what_an_instance_started_goes_with_it_and_before_it(self, doorbell, fleet):
        parent, child = a_family(doorbell)
        cancel_instance(given=parent.public_id)

        chosen = prunable_instances(older_than_seconds=DAY, workflow="outer")

        assert chosen == [child.public_id, parent.public_id]
        assert list(prune_instances(chosen)) == [(each, True) for each in chosen]
        assert not Instance.objects.exists()

    def test_what_people_did_to_a_child_stays_in_the_audit(self, doorbell, fleet, work):
        parent, child = a_family(doorbell)
        Event.objects.create(
            instance=child, project=child.project, kind="instance.paused", data={"by": "ada"}
        )
        left = a_workspace(work, child, "work")

        list(prune_instances([parent.public_id]))

        assert Event.objects.get(kind="instance.paused").data["by"] == "ada"
        assert not left.exists()

    def test_every_statement_deletes_a_few_rows_of_a_family_and_of_a_list(self, doorbell, fleet, monkeypatch):
        monkeypatch.setattr(prune, "ROWS_AT_ONCE", 2)
        monkeypatch.setattr(prune, "TASKS_AT_ONCE", 2)
        a_family(doorbell)
        listing = an_instance(a_task("each", also={"for_each": [1, 2, 3, 4, 5]}), name="listing")
        drive_to_end(listing, doorbell)
        age(listing, 20)

        with CaptureQueriesContext(connection) as captured:
            pruned(older_than_seconds=DAY)

        deletes = [each["sql"] for each in captured.captured_queries if each["sql"].startswith("DELETE")]
        assert [sql for sql in deletes if " IN (" not in sql or sql.count(",") > 2] == []
        assert not Instance.objects.exists()

    def test_one_whose_child_is_needed_elsewhere_stays_with_it(self, doorbell, fleet, settings):
        parent, child = a_family(doorbell)
        created(
            {"task_id": "own", "run": "noop"},
            {"task_id": "b", "run": "noop", "needs": ["own", f"{child.public_id}/work"]},
        )
        settings.CPDS = {**settings.CPDS, "prune_after_days": 1}

        assert prunable_instances(older_than_seconds=DAY) == []
        assert list(prune_instances([parent.public_id])) == [(parent.public_id, False)]
        assert prune_due() == 0
        assert Dependency.objects.filter(needed__instance=child).exists()
        assert {parent, child} <= set(Instance.objects.all())

    def test_a_workflow_is_deleted_with_what_its_instances_started(self, doorbell, fleet, work):
        _, child = a_family(doorbell)
        left = a_workspace(work, child, "work")

        removal = delete_workflow(given="outer")

        assert removal.instances == 2
        assert not Instance.objects.exists()
        assert not left.exists()

    def test_a_workflow_stays_when_what_its_instances_started_is_needed(self, doorbell, fleet):
        _, child = a_family(doorbell)
        created(
            {"task_id": "own", "run": "noop"},
            {"task_id": "b", "run": "noop", "needs": ["own", f"{child.public_id}/work"]},
        )

        with pytest.raises(WorkflowNeeded, match="b"):
            delete_workflow(given="outer")

    def test_a_workflow_stays_while_what_started_its_instance_goes_on(self, doorbell, fleet):
        parent, _ = a_family(doorbell)
        retry_instance(given=parent.public_id)

        with pytest.raises(WorkflowInUse, match=parent.public_id):
            delete_workflow(given="inner")

    def test_the_chore_deletes_a_family(self, doorbell, fleet, settings):
        a_family(doorbell)
        settings.CPDS = {**settings.CPDS, "prune_after_days": 1}

        assert prune_due() == 2
        assert not Task.objects.exists()


def test_the_items_of_a_list_go_before_it_with_what_they_left(doorbell, fleet, work, monkeypatch):
    monkeypatch.setattr(prune, "TASKS_AT_ONCE", 2)
    instance = an_instance(a_task("each", also={"for_each": [1, 2, 3]}))
    drive_to_end(instance, doorbell)
    age(instance, 10)
    places = [a_workspace(work, instance, f"each[{number}]") for number in range(3)]

    assert pruned(older_than_seconds=DAY) == [instance.public_id]
    assert [place.exists() for place in places] == [False, False, False]


@pytest.fixture
def work(settings, tmp_path):
    settings.CPDS = {**settings.CPDS, "state_dir": str(tmp_path / "state")}
    (tmp_path / "state" / "work").mkdir(parents=True)
    return tmp_path / "state" / "work"


def a_workspace(work, instance, name, *, attempt=1):
    place = work / f"{instance.public_id}-{task(instance, name).pk}-{attempt}"
    place.mkdir()
    (place / "left.txt").write_text("left")
    return place


def test_what_its_attempts_left_on_this_machine_goes_too(doorbell, fleet, work):
    old, young = ended(doorbell), ended(doorbell, days=1, name="young")
    gone, stays = a_workspace(work, old, "diamond-top"), a_workspace(work, young, "diamond-top")

    pruned(older_than_seconds=5 * DAY)

    assert (gone.exists(), stays.exists()) == (False, True)


def test_links_are_removed_and_not_followed(doorbell, fleet, work, tmp_path):
    old = ended(doorbell)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (a_workspace(work, old, "diamond-top") / "link").symlink_to(outside)
    itself = work / f"{old.public_id}-{task(old, 'diamond-bottom').pk}-1"
    itself.symlink_to(outside)

    pruned(older_than_seconds=5 * DAY)

    assert list(work.iterdir()) == []
    assert (outside / "kept.txt").read_text() == "kept"


def test_what_cannot_be_removed_keeps_no_instance(doorbell, fleet, work):
    old = ended(doorbell)
    place = work / f"{old.public_id}-{task(old, 'diamond-top').pk}-1"
    place.write_text("a file where a directory was")

    assert pruned(older_than_seconds=5 * DAY) == [old.public_id]
