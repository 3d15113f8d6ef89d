"""The file, the model and the builder say the same: what one holds, the others give back unchanged."""

import pytest
from hypothesis import HealthCheck, given, settings

from tasks_app.planning.definition.checks.validation import load_definition
from tasks_app.sdk import to_builder_code, to_yaml
from tasks_app.services.lookup import fleet
from tests.unit.planning.builders import NIGHTLY, SmallCatalog, load
from tests.unit.planning.definition.test_durable_keys import EVERY_KEY
from tests.unit.sdk.workflows import AnyFleet, workflows


@pytest.fixture(autouse=True)
def _a_fleet(monkeypatch):
    monkeypatch.setattr(fleet, "connected_fleet", AnyFleet)


def built(code):
    names = {}
    exec(compile(code, "generated", "exec"), names)
    return names["workflow"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(workflows())
def test_any_workflow_is_the_same_after_its_yaml(drawn):
    spec = load_definition(drawn, catalog=SmallCatalog())

    again = load(to_yaml(spec))

    assert again == spec
    assert again.digest() == spec.digest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(workflows())
def test_any_workflow_is_the_same_after_its_builder_code(drawn):
    spec = load_definition(drawn, catalog=SmallCatalog())

    again = built(to_builder_code(spec))

    assert again == spec
    assert again.digest() == spec.digest()


@pytest.mark.parametrize("source", [NIGHTLY, EVERY_KEY])
def test_the_way_there_and_back_is_short(source):
    spec = load(source)

    assert built(to_builder_code(load(to_yaml(spec)))) == spec


def test_the_yaml_is_what_a_person_would_write():
    assert (
        to_yaml(load(NIGHTLY))
        == """\
name: nightly-etl
description: Copies users
params:
  source: database
  limit:
    type: integer
    default: 1000
    minimum: 1
defaults:
  timeout: 60
tasks:
  - name: extract
    description: Read the rows
    run: extract_data
    with:
      table: users
      limit: '{{ params.limit }}'
    priority: high
    requires: [python]
    tags: [etl]
  - name: 总结
    run: claude
    with:
      role: analyst
      prompt: 'Summarise {{ tasks[''extract''].output.rows | length }} rows: {{ tasks.extract.output }}'
    needs: [extract]
"""
    )


def test_a_long_prompt_stays_readable():
    spec = load('name: w\ntasks: [{name: a, run: extract_data, with: {prompt: "Do this.\\nDo that.\\n"}}]')

    assert "      prompt: |\n        Do this.\n        Do that.\n" in to_yaml(spec)


def test_the_builder_code_is_what_a_person_would_write():
    assert (
        to_builder_code(load(NIGHTLY))
        == """\
from tasks_app.sdk import TaskBuilder, WorkflowBuilder

builder = WorkflowBuilder('nightly-etl', 'Copies users')
builder.with_default_timeout(60)
builder.with_params({'source': 'database', 'limit': {'type': 'integer', 'default': 1000, 'minimum': 1}})
builder.with_task(
    TaskBuilder('extract', 'Read the rows')
    .with_job_function('extract_data', {'table': 'users', 'limit': '{{ params.limit }}'})
    .with_requires('python')
    .with_tags('etl')
    .with_priority('high')
)
builder.with_task(
    TaskBuilder('总结')
    .with_job_function(
        'claude',
        {'role': 'analyst',
         'prompt': "Summarise {{ tasks['extract'].output.rows | length }} rows: {{ "
                   'tasks.extract.output }}'},
    )
    .with_dependencies('extract')
)
workflow = builder.build()
"""
    )


def test_ten_thousand_tasks_come_back_from_both():
    spec = load_definition(
        {"name": "w", "tasks": [{"name": f"t{place}", "run": "extract_data"} for place in range(10_000)]},
        catalog=SmallCatalog(),
    )

    assert load(to_yaml(spec)) == spec
    assert built(to_builder_code(spec)) == spec
