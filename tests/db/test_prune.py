"""What ended long ago is deleted, piece by piece, and nothing else."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cpds.base import clock
from tasks_app.errors import IllegalMove, NotFound
from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tasks_app.services import prune
from tasks_app.services.control import cancel_instance, retry_instance
from tasks_app.services.instances import rerun_instance
from tasks_app.services.prune import prunable_instances, prune_due, prune_instances
from tests.support.builders import a_diamond, a_task
from tests.support.driving import complete, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
DAY = 86_400


def ended(doorbell, *, days=10, name="old"):
    instance = drive_to_end(an_instance(*a_diamond(), name=name), doorbell)
    age(instance, days)
    return instance


def age(instance, days):
    Instance.objects.filter(pk=instance.pk).update(finished_at=clock.database_now_plus(-days * DAY))


def failed(*, days=10):
    instance = an_instance(a_task("only"), name="failing")
    fail(task(instance, "only"))
    age(instance, days)
    return instance


def pruned(**asked):
    return [key for key, gone in prune_instances(instances=prunable_instances(**asked)) if gone]


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
    assert list(prune_instances(instances=[instance.public_id])) == [(instance.public_id, False)]
    assert Task.objects.filter(instance=instance).exists()


def test_the_origin_of_an_unfinished_rerun_stays_until_that_ends(doorbell, fleet):
    origin = ended(doorbell)
    new = Instance.objects.get(public_id=rerun_instance(given=origin.public_id, from_task="diamond-left"))

    assert pruned(older_than_seconds=DAY) == []
    assert list(prune_instances(instances=[origin.public_id])) == [(origin.public_id, False)]

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
            patched.setattr(prune, "TASKS_AT_ONCE", None)
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

    assert list(prune_instances(instances=chosen)) == [(instance.public_id, False)]

    complete(task(instance, "only"))


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
