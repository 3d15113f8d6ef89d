"""``task why``, ``task records`` and ``instance why``."""

import pytest

from tasks_app.models import ExecutionRecord, Task
from tasks_app.states import InstanceState
from tests.cli.moves import complete_task, end, run_task
from tests.support.builders import a_chain

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(submitted):
    """Two tasks, the first of which is done."""
    return submitted(*a_chain(2), name="etl")


def test_a_line_for_each_thing_that_holds_it(run, chain):
    run("instance", "pause", chain, "--by", "ann", "--reason", "lunch", "--until", "2099-01-31T18:00")

    heading, *holds = run("task", "why", f"{chain}/link-1").lines

    assert heading == f"⏳ link-1 of {chain}: Pending"
    assert holds[0].split()[0] == "pause"
    assert "the instance is paused by ann: lunch; since 20" in holds[0]
    assert holds[0].endswith("until 2099-01-31 18:00:00")
    assert holds[1].startswith("  dependency  it needs link-0, which is pending; since")
    assert holds[1].endswith("until unknown")


def test_a_number_and_a_shortened_instance_name_a_task(run, chain):
    key = Task.objects.get(name="link-1").pk

    by_number = run("task", "why", str(key), "--json").json
    by_name = run("task", "why", f"{chain[:12]}/link-1", "--json").json

    assert by_number == by_name
    assert list(by_number) == ["instance_id", "id", "name", "status", "finished_at", "holds"]
    assert list(by_number["holds"][0]) == ["kind", "sentence", "since", "until"]


@pytest.mark.parametrize("given", ["nothing", "0", "9" * 40, "inst-x/y", "/", "²"])
def test_an_unknown_task_is_exit_code_3(run, db, given):
    assert run("task", "why", given).code == 3


def test_a_task_of_another_name_is_exit_code_3(run, chain):
    assert run("task", "why", f"{chain}/nothing").code == 3


def test_a_finished_task_says_when(run, chain):
    complete_task(chain, "link-0")

    lines = run("task", "why", f"{chain}/link-0").lines

    assert lines[1] == "  Nothing holds it: it ended at 2026-01-08 10:00:00."


def test_an_instance_tells_of_its_foremost_tasks(run, chain):
    run_task(chain, "link-0", worker="w@host")

    ran = run("instance", "why", chain)

    assert ran.lines[0] == f"{chain}: Running"
    assert ran.lines[1] == "🔄 link-0"
    assert "w@host runs it (attempt 1); since 2026-01-08 10:00:00" in ran.lines[2]
    document = run("instance", "why", chain, "--json").json
    assert [each["name"] for each in document["tasks"]] == ["link-0"]


def test_what_holds_the_whole_instance_is_said_once(run, chain):
    run("instance", "pause", chain)

    assert run("instance", "why", chain).out.count("the instance is paused") == 1


def test_an_ended_instance_says_how(run, chain):
    end(chain, InstanceState.FAILED, error="link-0: no")

    lines = run("instance", "why", chain).lines

    assert lines[1:] == ["  Nothing holds it: it ended at 2026-01-08 10:01:15.", "  link-0: no"]


def test_the_attempts_are_a_table(run, chain):
    task = Task.objects.get(name="link-0")
    for number, more in enumerate(
        [{"error_kind": "timeout", "error_message": "too slow", "status": "failed"}, {"status": "completed"}],
        1,
    ):
        ExecutionRecord.objects.create(
            task=task,
            number=number,
            dispatch_id=f"d{number}",
            executor="claude",
            worker="w@host",
            tokens_used=1234,
            cost_usd_micros=12_500,
            **more,
        )

    _, heading, first, second = run("task", "records", f"{chain}/link-0").lines
    records = run("task", "records", f"{chain}/link-0", "--json").json["records"]

    assert heading.split() == [
        "ATTEMPT",
        "STATUS",
        "STARTED_AT",
        "DURATION",
        "WORKER",
        "TOKENS",
        "COST",
        "ERROR",
    ]
    assert first.split()[:2] == ["1", "failed"]
    assert first.endswith("1,234   $0.0125  timeout: too slow")
    assert second.split()[:2] == ["2", "completed"]
    assert records[0]["error"] == {"kind": "timeout", "message": "too slow", "detail": {}}
    assert (records[1]["tokens"], records[1]["cost_usd"], records[1]["error"]) == (1234, 0.0125, None)
