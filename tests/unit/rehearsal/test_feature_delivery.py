"""The showcase: every task of feature-delivery is asked and answered, in the order its needs allow."""

from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from tasks_app.outcomes import Completed
from tasks_app.planning.definition.checks.validation import load_workflow
from tasks_app.planning.inputs.params import resolve_params
from tasks_app.planning.templates.rendering import render
from tests.unit.rehearsal.stage import staged
from workers_app.agents.roles import ROLES

FOLDER = Path(__file__).parents[3] / "config" / "workflows"
WORKFLOW = yaml.safe_load((FOLDER / "feature-delivery.yaml").read_text(encoding="utf-8"))
EXAMPLE = yaml.safe_load((FOLDER / "feature.example.yaml").read_text(encoding="utf-8"))
TASKS = {task["name"]: task for task in WORKFLOW["tasks"]}


class ClaudeOnly:
    """A catalog with the one executor the workflow runs."""

    def __init__(self, executor):
        self.executor = executor

    def names(self):
        return frozenset({"claude"})

    def check(self, _run, arguments, *, templated):
        problems = self.executor.check_arguments(arguments, templated=templated)
        return [(problem.field, problem.message, problem.hint) for problem in problems]


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


@pytest.fixture(scope="module")
def workflow(stage):
    return load_workflow(
        (FOLDER / "feature-delivery.yaml").read_bytes(), catalog=ClaudeOnly(stage.executor())
    )


@pytest.fixture(scope="module")
def answers(stage, workflow):
    """The outcome of every task, played through in order without the engine."""
    params = resolve_params(workflow, EXAMPLE)
    order = TopologicalSorter({name: task.get("needs", []) for name, task in TASKS.items()}).static_order()
    outcomes, outputs = {}, {}
    for name in order:
        arguments = render(
            TASKS[name]["with"], params=params, outputs=outputs, instance={}, task={"name": name}
        )
        outcomes[name] = stage.executor().execute(stage.call(**arguments))
        outputs[name] = outcomes[name].output
    return outcomes


def test_planning_accepts_it(workflow):
    assert workflow.name == "feature-delivery"
    assert len(workflow.tasks) == len(TASKS)


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
