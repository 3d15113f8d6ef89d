"""The JSON Schema that lets an editor complete and check a workflow while it is written."""

from typing import Any

from tasks_app.planning.definition.spec import WorkflowSpec


def workflow_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a workflow file."""
    schema = WorkflowSpec.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
