"""The showcase: every task of feature-delivery is asked and answered, in the order its needs allow."""

from graphlib import TopologicalSorter
from pathlib import Path

import jinja2
import pytest
import yaml

from tasks_app.outcomes import Completed
from tests.unit.rehearsal.stage import staged
from workers_app.executors.claude_roles import ROLES

FOLDER = Path(__file__).parents[3] / "config" / "workflows"
WORKFLOW = yaml.safe_load((FOLDER / "feature-delivery.yaml").read_text(encoding="utf-8"))
EXAMPLE = yaml.safe_load((FOLDER / "feature.example.yaml").read_text(encoding="utf-8"))
TASKS = {task["name"]: task for task in WORKFLOW["tasks"]}


@pytest.fixture(scope="module")
def answers():
    """The outcome of every task and the prompt it was asked, played through without the engine."""
    defaults = {name: declared.get("default") for name, declared in WORKFLOW["params"].items()}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    outcomes, outputs = {}, {}
    with staged() as stage:
        executor = stage.executor()
        for name in TopologicalSorter(
            {name: task.get("needs", []) for name, task in TASKS.items()}
        ).static_order():
            known = {"params": {**defaults, **EXAMPLE}, "tasks": outputs}
            arguments = {
                key: environment.from_string(value).render(known) if isinstance(value, str) else value
                for key, value in TASKS[name]["with"].items()
            }
            outcomes[name] = executor.execute(stage.call(**arguments))
            outputs[name] = {"output": outcomes[name].output}
    return outcomes


def test_it_has_eight_stages_and_enough_tasks():
    stages = [task["tags"][0] for task in TASKS.values()]

    assert len(TASKS) >= 16
    assert list(dict.fromkeys(stages)) == [f"stage-{number}" for number in range(1, 9)]


def test_each_stage_is_led_by_its_owner():
    owners = {}
    for task in TASKS.values():
        owners.setdefault(task["tags"][0], set()).add(task["with"]["role"])

    assert owners["stage-1"] == {"mike_pm"}
    assert "elena_ux" in owners["stage-2"]
    assert "david_tech" in owners["stage-3"]
    assert owners["stage-4"] >= {"database_engineer", "backend_developer", "frontend_developer"}
    assert owners["stage-5"] == {"kevin_qa"}
    assert owners["stage-6"] == {"mike_pm"}
    assert owners["stage-7"] == {"frank_devops"}
    assert "frank_devops" in owners["stage-8"]
    assert set.union(*owners.values()) <= ROLES.keys()


def test_the_three_lanes_run_at_the_same_time_and_meet_in_the_integration():
    lanes = {"develop-database", "develop-backend", "develop-frontend"}

    assert all(not lanes & set(TASKS[lane]["needs"]) for lane in lanes)
    assert all("interface-contract" in TASKS[lane]["needs"] for lane in lanes)
    assert lanes <= set(TASKS["integration"]["needs"])


def test_the_example_gives_only_params_the_workflow_has_and_all_it_requires():
    required = {name for name, declared in WORKFLOW["params"].items() if declared.get("required")}

    assert required <= EXAMPLE.keys() <= WORKFLOW["params"].keys()


def test_no_file_needs_aliases():
    for name in ("feature-delivery.yaml", "feature.example.yaml"):
        events = yaml.parse((FOLDER / name).read_text(encoding="utf-8"))
        assert not [event for event in events if getattr(event, "anchor", None)]


@pytest.mark.parametrize("name", TASKS)
def test_each_task_is_answered_in_rehearsal(answers, name):
    outcome = answers[name]

    assert isinstance(outcome, Completed), outcome
    assert "Feature: Saved searches" in outcome.report.prompt
    assert isinstance(outcome.output, dict) is ("output_schema" in TASKS[name]["with"])
    assert outcome.report.cost_usd_micros > 0


@pytest.mark.parametrize("name", TASKS)
def test_what_other_tasks_wrote_stands_between_tags(name):
    prompt = TASKS[name]["with"]["prompt"]
    lines = [line.strip() for line in prompt.splitlines()]

    for number, line in enumerate(lines):
        if "tasks[" in line:
            assert lines[number - 1].startswith("<")
            assert lines[number + 1] == lines[number - 1].replace("<", "</")
