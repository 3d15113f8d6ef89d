"""Workers are drained and stopped from their list, by those who may."""

import pytest

from tests.admin.rows import page
from workers_app.fleet.workers import Registration, register_worker
from workers_app.models import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(db):
    register_worker(Registration(name="w1@tests", pid=1, slots=4, capabilities=["git"]))
    return Worker.objects.get()


def act(client, action, *workers):
    chosen = {"action": action, "_selected_action": [worker.pk for worker in workers]}
    return client.post(page(Worker), chosen, follow=True)


def test_chosen_workers_are_drained_undrained_and_stopped(admin_client, worker):
    assert b"1 worker(s) asked to drain." in act(admin_client, "drain", worker).content
    worker.refresh_from_db()
    assert worker.drain_requested_at is not None

    act(admin_client, "undrain", worker)
    act(admin_client, "stop", worker)

    worker.refresh_from_db()
    assert worker.drain_requested_at is None
    assert worker.stop_requested_at is not None


def test_who_is_gone_is_told_of(admin_client, worker):
    Worker.objects.update(left_at=worker.heartbeat_at)

    assert b"cannot be asked to stop" in act(admin_client, "stop", worker).content


def test_who_may_only_look_may_not_drain(staff_client, worker):
    act(staff_client("view_worker"), "drain", worker)

    worker.refresh_from_db()
    assert worker.drain_requested_at is None


def test_a_page_shows_what_it_can_do(admin_client, worker):
    html = admin_client.get(page(Worker, "change", worker.pk)).content.decode()

    assert "git" in html
    assert "idle" in html
