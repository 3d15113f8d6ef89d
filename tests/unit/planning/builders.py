"""Workflows for the tests of planning: each says what matters and hides the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tasks_app.errors import InvalidWorkflow
from tasks_app.planning.definition.checks.validation import load_workflow
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.source.problems import Problem

NIGHTLY = """\
name: nightly-etl
description: Copies users
params:
  source: database
  limit: {type: integer, default: 1000, minimum: 1}
defaults: {timeout: 60}
tasks:
  - name: extract
    description: Read the rows
    run: extract_data
    with: {table: users, limit: "{{ params.limit }}"}
    priority: high
    requires: [python]
    tags: [etl]
  - name: 总结
    run: claude
    needs: [extract]
    with:
      role: analyst
      prompt: "Summarise {{ tasks['extract'].output.rows | length }} rows: {{ tasks.extract.output }}"
"""


class SmallCatalog:
    """Knows an executor that wants a prompt, and a function that takes anything."""

    def names(self) -> frozenset[str]:
        return frozenset({"claude", "shell_command", "extract_data"})

    def check(
        self, run: str, arguments: Mapping[str, Any], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        if run != "claude":
            return []
        if "prompt" not in arguments:
            return [("prompt", "a prompt is required", "add prompt: …")]
        if "prompt" not in templated and not isinstance(arguments["prompt"], str):
            return [("prompt", "expected text", "")]
        return []


def load(source: bytes | str) -> WorkflowSpec:
    return load_workflow(source, catalog=SmallCatalog())


def problems_of(source: bytes | str) -> list[Problem]:
    """Return what is wrong with a workflow that must be refused."""
    with pytest.raises(InvalidWorkflow) as refusal:
        load(source)
    assert refusal.value.count == len(refusal.value.problems)
    return list(refusal.value.problems)


def tasks_text(*lines: str) -> str:
    """Return a workflow with these tasks, each in flow style; tasks start at line 3."""
    return "name: w\ntasks:\n" + "".join(f"- {{{line}}}\n" for line in lines)


def a_task(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "run": "extract_data", **more}


def a_workflow(*tasks: dict[str, Any], **more: Any) -> WorkflowSpec:
    return WorkflowSpec.from_json({"name": "w", "tasks": list(tasks) or [a_task("a")], **more})
