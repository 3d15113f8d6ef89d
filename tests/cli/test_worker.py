"""``worker``: who is there, and asking them to drain and to stop."""

from datetime import timedelta

import pytest
from django.db.models import F

from cpds.base.conf import conf
from tasks_app.models import Project
from workers_app.fleet.workers import Registration, register_worker, retire_worker
from workers_app.models import Worker
from workers_app.transports.http.workers import HttpRegistration, register_http_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet(db):
    for name in ("w1@tests", "w2@tests", "w3@tests"):
        register_worker(
            Registration(name=name, pid=1, slots=4, capabilities=["git", "python"], queues=["cpds"])
        )
    retire_worker(name="w3@tests")


def test_the_list_is_a_table_of_who_is_there(run, fleet):
    heading, *rows = run("worker", "list").lines

    assert heading.split()[:2] == ["NAME", "STATUS"]
    assert [row.split()[:3] for row in rows] == [["w1@tests", "idle", "0/4"], ["w2@tests", "idle", "0/4"]]


def test_all_are_those_who_left_too(run, fleet):
    assert [row["status"] for row in run("worker", "list", "--all", "--json").json] == [
        "idle",
        "idle",
        "offline",
    ]
    assert [row["name"] for row in run("worker", "list", "--status", "offline", "--json").json] == [
        "w3@tests"
    ]


@pytest.mark.parametrize(("heartbeats", "status"), [(2.9, "idle"), (3.1, "offline")])
def test_who_was_silent_for_three_heartbeats_is_offline(run, fleet, heartbeats, status):
    silence = timedelta(seconds=heartbeats * conf().heartbeat_seconds)
    Worker.objects.filter(name="w1@tests").update(silent_at=F("silent_at") - silence)

    assert run("worker", "show", "w1@tests", "--json").json["status"] == status


@pytest.mark.parametrize("is_first", [True, False])
def test_of_one_name_the_worker_of_the_broker_is_meant(run, db, is_first):
    def over_http():
        chosen = HttpRegistration(name="w1@tests", worker_id="Other")
        register_http_worker(project_id=Project.objects.default().pk, registration=chosen)

    if is_first:
        over_http()
    register_worker(Registration(name="w1@tests", pid=1, slots=4))
    if not is_first:
        over_http()

    assert run("worker", "drain", "w1@tests").code == 0

    assert set(Worker.objects.filter(drain_requested_at__isnull=False).values_list("kind", flat=True)) == {
        "celery"
    }
    assert run("worker", "show", "Other", "--json").json["status"] == "idle"


def test_show_tells_all_by_name_or_id(run, fleet):
    row = run("worker", "show", "w1@tests", "--json").json

    assert (row["capabilities"], row["slots"], row["queues"]) == (["git", "python"], 4, ["cpds"])
    assert run("worker", "show", row["id"], "--json").json == row
    assert any(line.startswith("capabilities:") for line in run("worker", "show", "w1@tests").lines)


def test_drain_and_undrain(run, fleet):
    assert run("worker", "drain", "w1@tests").out.startswith("✅ w1@tests finishes what it runs")
    assert run("worker", "show", "w1@tests", "--json").json["status"] == "draining"

    assert run("worker", "undrain", "w1@tests", "--json").json["status"] == "idle"


def test_a_drain_outlives_a_restart_and_a_stop_does_not(run, fleet):
    run("worker", "drain", "w1@tests")
    run("worker", "stop", "w1@tests")
    retire_worker(name="w1@tests")

    register_worker(Registration(name="w1@tests", pid=2, slots=4))

    row = run("worker", "show", "w1@tests", "--json").json
    assert (row["status"], row["stop_requested_at"]) == ("draining", None)


def test_who_is_not_there_cannot_be_stopped(run, fleet):
    ran = run("worker", "stop", "w3@tests", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (1, "worker_not_askable")


@pytest.mark.parametrize("verb", ["show", "drain", "undrain", "stop"])
def test_an_unknown_worker_is_said_to_be_unknown(run, fleet, verb):
    ran = run("worker", verb, "nobody")

    assert ran.code == 3
    assert "manage.py worker list" in ran.err
