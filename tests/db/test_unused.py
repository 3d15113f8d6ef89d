"""What nobody uses any more is deleted by the chores, and what somebody may use stays."""

import threading

import pytest
from django.db import connection

from cpds.base import clock, db
from tasks_app.models import RequirementSet, Task
from tasks_app.services import unused
from tasks_app.services.requirements import note_requirements
from tasks_app.services.unused import delete_unused, delete_unused_sets
from tests.support.builders import a_task
from tests.support.driving import sweep_now
from tests.support.engine import an_instance
from workers_app.models import Worker, WorkerKind
from workers_app.services.workers import Registration, forget_workers, register_worker

DAY = 86_400
pytestmark = pytest.mark.django_db


def a_set(*capabilities, days=30):
    with db.transaction():
        note_requirements(wanted=[capabilities])
    name = "+".join(sorted(capabilities))
    RequirementSet.objects.filter(name=name).update(used_at=clock.database_now_plus(-days * DAY))
    return name


def sets():
    return set(RequirementSet.objects.values_list("name", flat=True))


def a_worker(name, *, days, **more):
    Worker.objects.create(name=name, slots=1, heartbeat_at=clock.database_now_plus(-days * DAY), **more)


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
        monkeypatch.setattr(unused, "AT_ONCE", 2)
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
            note_requirements(wanted=[["gpu"]])
            other = threading.Thread(target=delete)
            other.start()
            other.join(timeout=0.5)
        other.join(timeout=30)

        assert deleted == [0]
        assert sets() == {"gpu"}


class TestWorkers:
    def test_those_offline_for_longer_than_the_setting_go(self, settings):
        settings.CPDS = {**settings.CPDS, "worker_keep_days": 7}
        a_worker("left", days=8, left_at=clock.database_now_plus(-8 * DAY))
        a_worker("silent", days=8)
        a_worker("lately", days=6)
        a_worker("wanted-drained", days=8, drain_requested_at=clock.database_now())
        a_worker("http", days=8, kind=WorkerKind.HTTP, silent_at=clock.database_now_plus(-8 * DAY))
        register_worker(registration=Registration(name="alive", pid=1, slots=1))

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
    unused._turns.forget()
    a_set("gpu")
    a_worker("old", days=100)

    assert sweep_now().unused == 2
    a_set("gpu")
    assert sweep_now().unused == 0
    unused._turns.forget()
    assert delete_unused() == 1


def test_tasks_are_looked_up_by_their_requirement():
    used = Task.objects.filter(requirement="gpu").exclude(requirement="")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")

    assert "task_required" in used.explain()
