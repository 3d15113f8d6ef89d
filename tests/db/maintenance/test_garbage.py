"""What nobody uses any more is deleted by the chores, and what somebody may use stays."""

import threading

import pytest
from django.db import connection

from cpds.base import clock, db
from tasks_app.models import RequirementSet, Task
from tasks_app.planning.values.requirements import requirement_name
from tasks_app.services.control.instances import pause_instance, resume_instance
from tasks_app.services.lookup.requirements import capabilities_of, note_requirements
from tasks_app.services.maintenance import garbage
from tasks_app.services.maintenance.garbage import delete_unused, delete_unused_sets
from tests.support.builders import a_task
from tests.support.driving import sweep_now
from tests.support.engine import an_instance, task
from tests.support.waiting import wait_until
from workers_app.fleet.workers import Registration, forget_workers, register_worker
from workers_app.models import Worker, WorkerKind

DAY = 86_400
pytestmark = pytest.mark.django_db


def a_set(*capabilities, days=30):
    with db.transaction():
        note_requirements([capabilities])
    name = "+".join(sorted(capabilities))
    RequirementSet.objects.filter(name=name).update(used_at=clock.database_now_plus(-days * DAY))
    return name


def sets():
    return set(RequirementSet.objects.values_list("name", flat=True))


def a_worker(name, *, days, **more):
    Worker.objects.create(name=name, slots=1, silent_at=clock.database_now_plus(-days * DAY), **more)


def names():
    return set(Worker.objects.values_list("name", flat=True))


class TestSets:
    def test_what_no_task_has_goes_and_what_one_has_stays(self, doorbell):
        an_instance(a_task("a", also={"requires": ["gpu"]}))
        a_set("gpu")
        a_set("fpga", "node")

        assert delete_unused_sets() == 1
        assert sets() == {"gpu"}

    def test_what_was_wanted_within_a_day_stays(self):
        a_set("gpu", days=0.9)

        assert delete_unused_sets() == 0

    def test_it_deletes_in_batches(self, monkeypatch):
        monkeypatch.setattr(garbage, "AT_ONCE", 2)
        for name in ("a", "b", "c"):
            a_set(name)

        assert [delete_unused_sets() for _ in range(3)] == [2, 1, 0]

    def test_one_that_is_wanted_again_is_there_again(self, doorbell):
        a_set("gpu")
        delete_unused_sets()

        an_instance(a_task("a", also={"requires": ["gpu"]}))

        assert sets() == {"gpu"}

    @pytest.mark.django_db(transaction=True)
    def test_one_that_is_wanted_at_that_moment_stays(self, doorbell):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer at a time")
        a_set("gpu")
        deleted = []

        def delete():
            try:
                deleted.append(delete_unused_sets())
            finally:
                connection.close()

        with db.transaction():
            note_requirements([["gpu"]])
            other = threading.Thread(target=delete)
            other.start()
            other.join(timeout=0.5)
        other.join(timeout=30)

        assert deleted == [0]
        assert sets() == {"gpu"}

    @pytest.mark.django_db(transaction=True)
    def test_one_that_is_wanted_while_it_is_being_deleted_is_there_again(self, doorbell, monkeypatch):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer at a time")
        a_set("gpu")
        is_locked, noting = threading.Event(), threading.Event()
        lock = db.locking

        def lock_and_wait(rows):
            found = lock(rows).first()
            is_locked.set()
            assert noting.wait(timeout=30)
            wait_until(somebody_waits_for_us)
            return RequirementSet.objects.filter(pk=found.pk)

        def note():
            try:
                assert is_locked.wait(timeout=30)
                noting.set()
                with db.transaction():
                    note_requirements([["gpu"]])
            finally:
                connection.close()

        monkeypatch.setattr(garbage.db, "locking", lock_and_wait)
        other = threading.Thread(target=note)
        other.start()
        deleted = delete_unused_sets()
        other.join(timeout=30)

        assert deleted == 1
        assert sets() == {"gpu"}


class TestAMissingRow:
    """Nobody deletes the row of a set that tasks have; a database may have been edited by hand."""

    @pytest.fixture(autouse=True)
    def nothing_remembered(self):
        capabilities_of.cache_clear()
        yield
        capabilities_of.cache_clear()

    @pytest.mark.parametrize("needed", [["gpu", "node"], [f"a-long-capability-{n}" for n in range(9)]])
    def test_a_task_tells_what_it_requires(self, needed, doorbell):
        instance = an_instance(a_task("a", also={"requires": needed}))
        lose_all_sets()

        assert capabilities_of(task(instance, "a").requirement) == set(needed)

    def test_a_name_tells_it_without_a_task(self):
        assert capabilities_of(requirement="gpu+node") == {"gpu", "node"}

    def test_a_digest_does_not(self):
        with pytest.raises(LookupError, match="does not tell"):
            capabilities_of(requirement_name([f"a-long-capability-{n}" for n in range(9)]))

    def test_the_pump_goes_on(self, doorbell, fleet):
        instance = an_instance(a_task("a", also={"requires": ["gpu"]}), a_task("b"))
        pause_instance(given=instance.public_id)
        lose_all_sets()

        resume_instance(given=instance.public_id)

        assert task(instance, "b").status == "queued"


def lose_all_sets():
    RequirementSet.objects.all().delete()
    capabilities_of.cache_clear()


def somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute(
            # Not pg_stat_activity: inside a transaction it tells the same again and again.
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return cursor.fetchone()[0]


class TestWorkers:
    def test_those_offline_for_longer_than_the_setting_go(self, settings):
        settings.CPDS = {**settings.CPDS, "worker_keep_days": 7}
        a_worker("left", days=8, left_at=clock.database_now_plus(-8 * DAY))
        a_worker("silent", days=8)
        a_worker("lately", days=6)
        a_worker("wanted-drained", days=8, drain_requested_at=clock.database_now())
        a_worker("http", days=8, kind=WorkerKind.HTTP)
        register_worker(Registration(name="alive", pid=1, slots=1))

        assert forget_workers(at_most=100) == 3
        assert names() == {"lately", "wanted-drained", "alive"}

    def test_zero_keeps_them_for_ever(self, settings):
        settings.CPDS = {**settings.CPDS, "worker_keep_days": 0}
        a_worker("old", days=10_000)

        assert forget_workers(at_most=100) == 0

    def test_it_deletes_in_batches(self):
        for number in range(3):
            a_worker(f"w{number}", days=100)

        assert [forget_workers(at_most=2) for _ in range(3)] == [2, 1, 0]


def test_a_sweep_does_it_once_in_a_while(doorbell, fleet):
    garbage._unused.forget()
    a_set("gpu")
    a_worker("old", days=100)

    assert sweep_now().unused == 2
    a_set("gpu")
    assert sweep_now().unused == 0
    garbage._unused.forget()
    assert delete_unused() == 1


def test_tasks_are_looked_up_by_their_requirement():
    used = Task.objects.filter(requirement="gpu").exclude(requirement="")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")

    assert "task_required" in used.explain()
