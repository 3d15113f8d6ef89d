"""Every example that can be run is run, or read by what would read it."""

import ast
import re
import shutil
from dataclasses import fields

import pytest
import yaml

from cpds.base.conf import Conf
from tasks_app.cli.failures import failure_lines
from tasks_app.errors import InvalidWorkflow
from tasks_app.services.workflows.definitions import validate_workflow
from tests.architecture.sources import ROOT
from tests.docs.pages import DOCS, README, WORKFLOWS, blocks
from workers_app import functions, registry
from workers_app.agents.rehearsal.script import parse_script

pytestmark = pytest.mark.any_database


@pytest.fixture
def users_functions(monkeypatch):
    """What a user of the pages has: their examples' functions, and none of the tests' own."""
    monkeypatch.setattr(functions, "_functions", {})
    monkeypatch.setattr(functions, "_loaded", True)
    monkeypatch.setattr(registry, "_made", {})
    for example in blocks("python", pages=sorted(DOCS.glob("*.md"))):
        if "@task_function" in example.text:
            exec(compile(example.text, str(example), "exec"), {"__name__": "users_functions"})


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_yaml_block_is_valid(block, users_functions):
    content = yaml.safe_load(block.text)

    if set(content) == {"rules"}:
        parse_script(content)
    else:
        assert validate_workflow(block.text).tasks


@pytest.mark.parametrize(
    "file",
    [file for file in (ROOT / "config/workflows").glob("*.yaml") if ".example." not in file.name],
    ids=lambda file: file.name,
)
def test_an_example_workflow_needs_no_function(file, users_functions):
    assert validate_workflow(file.read_text(encoding="utf-8")).tasks


def test_a_function_of_the_tests_is_unknown_to_a_user(users_functions):
    with pytest.raises(InvalidWorkflow) as found:
        validate_workflow(source="name: x\ntasks: [{name: a, run: noop}]")

    assert [problem.code for problem in found.value.problems] == ["unknown_executor"]


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_python_block_runs(block, users_functions):
    names = {"__name__": "users_functions"}
    if "config.settings" in block.text:
        _judge_settings(block.text)
    else:
        exec(compile(block.text, str(block), "exec"), names)


def _judge_settings(text):
    mapping = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Dict))
    given = {key.value for key in mapping.keys if key is not None}
    assert given
    assert given <= {each.name for each in fields(Conf)}


def test_the_first_example_of_a_function_works(users_functions):
    found = functions.task_functions()

    assert found["count_words"].call("one or two words", least=3) == {"words": 3}
    assert found["weigh_words"].takes_context


def test_the_mistakes_shown_are_the_mistakes_found():
    shown = next(block for block in blocks("console", pages=[WORKFLOWS]) if "bad.yaml" in block.text)
    source = """\
name: Nightly ETL
tasks:
  - name: extract
    run: shell_comand
    with: {argv: [ls]}
    timout: 60
  - name: load
    run: shell_command
    needs: [extrakt, load]
    with: {argv: [echo, done]}
"""

    with pytest.raises(InvalidWorkflow) as found:
        validate_workflow(source)

    assert failure_lines(found.value, file="bad.yaml") == shown.text.splitlines()[1:]


@pytest.mark.broker
@pytest.mark.slow
def test_the_first_workflow_ends_as_shown(tmp_path):
    from tests.docs.running import run_standalone

    workflow = next(block for block in blocks("yaml", pages=[README]))
    shown = next(block for block in blocks("console", pages=[README])).text
    (tmp_path / "hello.yaml").write_text(workflow.text, encoding="utf-8")

    done = run_standalone(tmp_path, "--execute", str(tmp_path / "hello.yaml"), "--param", "who=Ada")

    assert done.returncode == 0, done.stderr
    assert re.search(r"^greet +completed +shell_command +1 ", done.stdout, re.MULTILINE)
    assert [_without_facts(line) for line in done.stdout.splitlines() if "CPDS_STATE_DIR" not in line] == [
        _without_facts(line)
        for line in shown.splitlines()[1:-1]
        if "CPDS_STATE_DIR" not in line and "stays up" not in line
    ]
    shutil.rmtree(tmp_path)


def _without_facts(line):
    """Return a line without what differs from run to run: times, ids, ports, places, spaces."""
    line = re.sub(r"inst-\w+", "inst-…", line)
    line = re.sub(r"http://[\d.]+:\d+", "http://…", line)
    line = re.sub(r"logs +\S+", "logs …", line)
    line = re.sub(r"\b[\d.]+m?s\b", "…", line)
    return " ".join(line.split())
