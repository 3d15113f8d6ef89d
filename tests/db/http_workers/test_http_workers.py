"""Workers that come in over HTTP, in the same register as Celery's."""

import pytest

from cpds.base import clock
from tasks_app.errors import NotFound
from tasks_app.models import Project
from workers_app.errors import WorkerIdTaken
from workers_app.fleet.describe import WorkerStatus, describe_fleet
from workers_app.fleet.workers import Registration, lost_holders, register_worker
from workers_app.models import Worker
from workers_app.transports.http import workers
from workers_app.transports.http.workers import HttpRegistration

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine():
    return Project.objects.create(slug="mine", name="Mine")


@pytest.fixture
def theirs():
    return Project.objects.create(slug="theirs", name="Theirs")


def registered(project, worker_id="W-1", *, name="one", pool="", is_restart=False, **more):
    return workers.register_http_worker(
        project_id=project.pk,
        registration=HttpRegistration(worker_id=worker_id, name=name, **more),
        pool=pool,
        is_restart=is_restart,
    )


def silence(worker, seconds):
    Worker.objects.filter(pk=worker.pk).update(silent_at=clock.database_now_plus(-seconds))


def statuses():
    return {each.worker.public_id: each.status for each in describe_fleet()}


def test_it_stands_in_the_register_beside_celerys_workers(mine):
    register_worker(Registration(name="w1@tests", pid=1, slots=4))
    registered(mine, capabilities=["git", "gpu", "git"], platform="Linux", slots=2)

    worker = Worker.objects.get(public_id="W-1")
    assert (worker.kind, worker.project, worker.capabilities) == ("http", mine, ["git", "gpu"])
    assert (worker.slots, worker.platform, worker.holder) == (2, "Linux", "W-1")
    assert statuses()["W-1"] == WorkerStatus.IDLE
    assert len(describe_fleet()) == 2


def test_without_an_id_it_is_known_by_its_name(mine):
    first = registered(mine, None, name="builder")
    again = registered(mine, None, name="builder")

    assert first.public_id.startswith("worker-")
    assert again.public_id == first.public_id
    assert registered(mine, None, name="other").public_id != first.public_id


def test_registering_again_keeps_id_counts_and_wishes(mine):
    first = registered(mine)
    Worker.objects.update(drain_requested_at=clock.database_now(), tasks_completed=3)

    again = registered(mine, name="renamed")

    assert (again.pk, again.name, again.tasks_completed) == (first.pk, "renamed", 3)
    assert again.is_draining


def test_an_id_of_another_project_is_taken(mine, theirs):
    registered(mine)

    with pytest.raises(WorkerIdTaken):
        registered(theirs)
    assert Worker.objects.get().project == mine


def test_an_id_or_name_of_another_pool_is_taken(mine):
    registered(mine, pool="red")
    named = registered(mine, None, name="builder", pool="red")

    with pytest.raises(WorkerIdTaken):
        registered(mine, pool="blue")
    with pytest.raises(WorkerIdTaken):
        registered(mine, None, name="builder", pool="blue")
    silence(named, 1)
    assert registered(mine, None, name="builder", pool="blue").pool == "blue"


def test_a_celery_workers_id_is_taken(mine):
    register_worker(Registration(name="w1@tests", pid=1, slots=4))

    with pytest.raises(WorkerIdTaken):
        registered(mine, Worker.objects.get().public_id)


def test_three_of_its_own_heartbeats_without_a_word_and_it_is_gone(mine):
    slow = registered(mine, "slow", name="slow", heartbeat_seconds=600)
    quick = registered(mine, "quick", name="quick", heartbeat_seconds=1)
    Worker.objects.update(heartbeat_at=clock.database_now_plus(-100))
    silence(quick, 1)

    assert statuses() == {"slow": WorkerStatus.IDLE, "quick": WorkerStatus.OFFLINE}
    assert lost_holders() == {"quick"}
    workers.beat_http_worker(worker=quick)
    assert statuses()["quick"] == WorkerStatus.IDLE
    assert workers.lease_seconds_of(worker=slow) == 1800


def test_whether_a_project_has_one_online(mine, theirs):
    def online(project):
        return workers.is_http_worker_online(project_id=project.pk)

    assert not online(mine)
    worker = registered(mine)
    assert online(mine)
    assert not online(theirs)
    silence(worker, 1)
    assert not online(mine)
    workers.beat_http_worker(worker=worker)
    assert online(mine)
    workers.retire_http_worker(worker=worker)
    assert not online(mine)


def test_what_is_of_others_is_not_found(mine, theirs):
    registered(mine, pool="red")

    def find(**asked):
        return workers.get_http_worker(**{"given": "W-1", "projects": None, **asked}).public_id

    assert find() == find(projects={mine.pk}) == find(projects={mine.pk}, pool="red") == "W-1"
    for asked in ({"projects": {theirs.pk}}, {"pool": "blue"}, {"given": "W-2"}, {"given": "W-1\0"}):
        with pytest.raises(NotFound):
            find(**asked)
