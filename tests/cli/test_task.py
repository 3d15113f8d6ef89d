"""``task list``, ``show``, ``create``, ``cancel`` and ``retry``."""

import pytest

from tests.cli.moves import complete_task
from tests.support.builders import a_chain

pytestmark = pytest.mark.django_db

FILE = """
tasks:
  - task_id: a
    run: external
  - task_id: b
    run: external
    needs: [a]
    tags: [night]
    priority: medium
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tasks.yaml"
    path.write_text(FILE)
    return str(path)


def test_one_is_created_from_options(run):
    made = run(
        "task", "create", "--id", "T-1", "--title", "Build", "--priority", "9", "--by", "ann", "--json"
    ).json

    assert made["task_ids"] == ["T-1"]
    shown = run("task", "show", "T-1", "--json").json
    assert (shown["title"], shown["priority"], shown["created_by"]) == ("Build", 9, "ann")
    assert run("task", "show", "T-1").lines[0].startswith(f"T-1 of {made['instance_id']}: ")


def test_many_are_created_from_a_file(run, file):
    assert run("task", "create", file).out.startswith("✅ Created a, b (inst-")

    assert run("task", "show", "b", "--json").json["needs"] == ["a"]
    assert [row["task_id"] for row in run("task", "list", "--json").json] == ["b", "a"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--tag", "night"], ["b"]),
        (["--loose"], ["b", "a"]),
        (["--executor", "external", "--limit", "1"], ["b"]),
        (["--status", "Pending"], ["link-1", "b", "a"]),
        (["--search", "link"], ["link-1", "link-0"]),
        (["--project", "elsewhere"], []),
        (["--worker", "w"], []),
        (["--created-by", "nobody"], []),
    ],
)
def test_a_list_is_chosen(run, file, submitted, options, found):
    run("task", "create", file)
    submitted(*a_chain(2), name="etl")

    assert [row["name"] for row in run("task", "list", *options, "--json").json] == found


def test_problems_are_named_with_their_pointers(run, tmp_path):
    path = tmp_path / "tasks.yaml"
    path.write_text("tasks: [{needs: [nowhere], priority: 100}]")

    ran = run("task", "create", str(path), "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, "invalid_tasks")
    assert {each["pointer"] for each in ran.json["error"]["problems"]} == {
        "/tasks/0/needs/0",
        "/tasks/0/priority",
    }
    assert "/tasks/0/priority" in run("task", "create", str(path)).err


def test_a_file_that_is_no_yaml_is_refused(run, tmp_path):
    path = tmp_path / "tasks.yaml"
    path.write_text("tasks: [")

    assert run("task", "create", str(path)).code == 2


@pytest.mark.parametrize("given", ["a/b", "pending"])
def test_an_id_without_an_address_is_refused(run, given):
    refused = run("task", "create", "--id", given, "--run", "external")

    assert refused.code != 0
    assert given in refused.err


def test_a_file_and_options_do_not_go_together(run, file):
    assert run("task", "create", file, "--title", "x").code == 2


def test_an_id_that_is_taken_is_refused(run, file):
    run("task", "create", file)

    assert "has a task 'a' already" in run("task", "create", "--id", "a").err


def test_one_is_cancelled_and_tried_again(run, file):
    run("task", "create", file)

    assert run("task", "cancel", "a", "--by", "ann", "--reason", "wrong").code == 0
    assert [run("task", "show", each, "--json").json["status"] for each in "ab"] == ["cancelled", "skipped"]
    assert run("task", "retry", "a").lines == ["✅ Task a is tried again with 1 ruled out because of it"]
    assert [run("task", "show", each, "--json").json["status"] for each in "ab"] == ["pending", "pending"]


def test_what_completed_is_neither(run, submitted):
    instance = submitted(*a_chain(2), name="etl")
    complete_task(instance, "link-0")

    for verb in ("cancel", "retry"):
        assert run("task", verb, f"{instance}/link-0").code != 0


def test_why_tells_what_it_is_for(run, file):
    run("task", "create", file)

    assert "it waits for a worker that speaks HTTP" in run("task", "why", "a").out
    assert run("instance", "list").lines[1].split()[1] == "-"
    instance = run("task", "show", "a", "--json").json["instance_id"]
    assert run("instance", "status", instance).code == 0
    assert run("instance", "rerun", instance, "--from", "a").code != 0
