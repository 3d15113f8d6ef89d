"""``schedule``: what fires when, pausing it, resuming it, firing it by hand."""

import pytest

from tasks_app.models import Instance, Schedule
from tests.support.schedules import a_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly(db):
    return a_schedule("0 2 * * *", name="nightly-etl", timezone="Asia/Shanghai")


def test_the_list_is_a_table(run, nightly):
    a_schedule("@yearly", name="yearly", paused=True)

    heading, first, second = run("schedule", "list").lines

    assert heading.split()[:2] == ["WORKFLOW", "STATE"]
    assert first.split()[:2] == ["nightly-etl", "Active"]
    assert "18:00:00" in first
    assert first.endswith("skip     Asia/Shanghai  0 2 * * *")
    assert second.split()[:4] == ["yearly", "Paused", "-", "-"]


def test_programs_read_the_list(run, nightly):
    [row] = run("schedule", "list", "--json").json

    assert (row["workflow_name"], row["cron"], row["paused"]) == ("nightly-etl", "0 2 * * *", False)
    assert row["next_fire_at"].endswith("T18:00:00.000Z")
    assert (row["last_fired_at"], row["last_outcome"], row["unfinished_instances"]) == (None, None, 0)


def test_without_schedules_the_list_is_empty(run, db):
    assert run("schedule", "list", "--json").json == []
    assert len(run("schedule", "list").lines) == 1


def test_next_shows_as_many_times_as_asked_for(run, nightly):
    heading, *rows = run("schedule", "next", "nightly-etl", "-n", "3").lines

    assert heading.split() == ["UTC", "Asia/Shanghai"]
    assert len(rows) == 3
    assert all("18:00:00" in row and "02:00:00 +08:00" in row for row in rows)


def test_next_shows_five_times_to_programs(run, nightly):
    found = run("schedule", "next", nightly.workflow.public_id, "--json").json

    assert len(found["fires"]) == 5
    times = [each["fire_at"] for each in found["fires"]]
    assert times == sorted(set(times))
    assert found["fires"][0]["local"].endswith("T02:00:00+08:00")


def test_next_of_a_paused_schedule_says_so(run, nightly):
    run("schedule", "pause", "nightly-etl")

    ran = run("schedule", "next", "nightly-etl")

    assert "paused" in ran.err
    assert len(ran.lines) == 6


def test_pause_and_resume(run, nightly):
    paused = run("schedule", "pause", "nightly-etl", "--reason", "the source moves")
    assert paused.out == "✅ Schedule paused: nightly-etl\n"
    assert Schedule.objects.get().pause_reason == "the source moves"

    resumed = run("schedule", "resume", "nightly-etl")
    assert resumed.out.startswith("✅ Schedule resumed: nightly-etl, next at 20")
    assert not Schedule.objects.get().paused


def test_pause_tells_programs_how_it_stands(run, nightly):
    row = run("schedule", "pause", "nightly-etl", "--json").json

    assert (row["paused"], row["next_fire_at"]) == (True, None)


def test_fire_starts_an_instance(run, nightly):
    ran = run("schedule", "fire", "nightly-etl")

    assert ran.out == f"✅ Instance ID: {Instance.objects.get().public_id}\n"


def test_fire_tells_programs_the_instance(run, nightly):
    fired = run("schedule", "fire", "nightly-etl", "--json").json

    assert fired["id"] == Instance.objects.get().public_id
    assert (fired["outcome"], fired["note"]) == ("fired", "")
    assert fired["fire_at"].endswith("Z")


def test_what_keeps_it_from_firing_is_a_failure(run, nightly):
    first = run("schedule", "fire", "nightly-etl", "--json").json["id"]

    ran = run("schedule", "fire", "nightly-etl")

    assert ran.code == 1
    assert f"{first} has not ended" in ran.err
    assert run("schedule", "fire", "nightly-etl", "--json").json["error"]["code"] == "not_fired"


@pytest.mark.parametrize("verb", ["next", "pause", "resume", "fire"])
def test_what_is_not_there_is_not_found(run, uploaded, verb):
    uploaded(name="by-hand")

    assert run("schedule", verb, "nothing").code == 3
    ran = run("schedule", verb, "by-hand")
    assert ran.code == 3
    assert "has no schedule" in ran.err


@pytest.mark.parametrize("number", ["0", "-1", "many", "10001"])
def test_a_wrong_number_is_a_usage_error(manage, number):
    assert manage("schedule", "next", "x", "-n", number).code == 2
