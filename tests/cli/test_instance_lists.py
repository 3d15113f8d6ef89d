"""``instance list`` and ``instance history``."""

import pytest

from tasks_app.services.submit.instances import submit_instance
from tasks_app.states import InstanceState
from tests.cli.moves import end

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_of_each(submitted):
    """One instance that runs, one that completed, one that failed, one that was cancelled."""
    instances = {state: submitted(name="etl") for state in ("running", "completed", "failed", "cancelled")}
    end(instances["completed"], InstanceState.COMPLETED, seconds=75)
    end(instances["failed"], InstanceState.FAILED, seconds=45, error="load: the disk is full")
    end(instances["cancelled"], InstanceState.CANCELLED, seconds=3661)
    return instances


def test_the_list_is_a_table(run, one_of_each):
    heading, *rows = run("instance", "list").lines

    assert heading.split() == ["INSTANCE_ID", "WORKFLOW", "STATUS", "STARTED_AT", "DURATION"]
    assert [row.split()[:3] for row in rows] == [
        [one_of_each["cancelled"], "etl", "Terminated"],
        [one_of_each["failed"], "etl", "Failed"],
        [one_of_each["completed"], "etl", "Success"],
        [one_of_each["running"], "etl", "Running"],
    ]


def test_times_and_durations_are_written_for_people(run, one_of_each):
    rows = {row.split()[0]: row for row in run("instance", "list").lines}

    assert rows[one_of_each["completed"]].endswith("2026-01-08 10:00:00  1m15s")
    assert rows[one_of_each["failed"]].endswith("2026-01-08 10:00:00  0m45s")
    assert rows[one_of_each["cancelled"]].endswith("2026-01-08 10:00:00  1h01m01s")


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ("Success", "completed"),
        ("completed", "completed"),
        ("FAILED", "failed"),
        ("terminated", "cancelled"),
        ("Cancelled", "cancelled"),
        (" running ", "running"),
    ],
)
def test_both_vocabularies_select(run, one_of_each, given, state):
    rows = run("instance", "list", "--status", given, "--json").json

    assert [(row["id"], row["status"]) for row in rows] == [(one_of_each[state], state)]


@pytest.mark.parametrize("verb", [("list",), ("history", "etl")])
def test_an_unknown_status_lists_the_known_ones(run, one_of_each, verb):
    ran = run("instance", *verb, "--status", "happy")

    assert (ran.code, ran.out) == (2, "")
    assert "Ready (pending), Running, Paused, Success (completed), Failed, Terminated (cancelled)" in ran.err


def test_the_limit_keeps_the_newest(run, one_of_each):
    rows = run("instance", "list", "--limit", "2", "--json").json

    assert [row["id"] for row in rows] == [one_of_each["cancelled"], one_of_each["failed"]]


def test_a_workflow_may_be_selected(run, one_of_each, submitted):
    other = submitted(name="other")

    rows = run("instance", "list", "--workflow", "other", "--json").json

    assert [row["id"] for row in rows] == [other]


def test_programs_get_stable_keys(run, one_of_each):
    row = run("instance", "list", "--status", "failed", "--json").json[0]

    assert list(row) == [
        "id",
        "workflow_id",
        "workflow_name",
        "status",
        "progress",
        "created_at",
        "started_at",
        "finished_at",
        "duration_ms",
        "error_message",
    ]
    assert (row["started_at"], row["duration_ms"]) == ("2026-01-08T10:00:00.000Z", 45_000)


class TestHistory:
    def test_it_is_a_table_of_one_workflow(self, run, one_of_each, submitted):
        submitted(name="other")

        heading, *rows = run("instance", "history", "etl").lines

        assert heading.split() == ["INSTANCE_ID", "STATUS", "STARTED_AT", "DURATION"]
        assert len(rows) == 4

    def test_failures_are_told_with_their_error(self, run, one_of_each):
        heading, row = run("instance", "history", "etl", "--status=Failed").lines

        assert heading.split() == ["INSTANCE_ID", "STATUS", "STARTED_AT", "DURATION", "ERROR"]
        assert row.endswith("0m45s     load: the disk is full")

    def test_a_long_error_is_cut_and_never_an_id(self, run, submitted):
        instance = submitted(name="etl")
        end(instance, InstanceState.FAILED, error="so long " * 100)

        _, row = run("instance", "history", "etl", "--status=Failed").lines

        assert row.startswith(instance)
        assert len(row) == 200
        assert row.endswith("…")

    def test_the_limit_keeps_the_newest(self, run, uploaded):
        workflow = uploaded(name="etl")
        instances = [submit_instance(workflow=workflow) for _ in range(3)]

        rows = run("instance", "history", workflow, "--limit=2", "--json").json

        assert [row["id"] for row in rows] == instances[:0:-1]

    def test_an_unknown_workflow_is_exit_code_3(self, run):
        assert run("instance", "history", "nothing").code == 3
