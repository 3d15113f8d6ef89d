"""Workflows written in Python: the same model as the YAML file, and the way between the two."""

from tasks_app.planning.definition.output.yaml_writing import to_yaml
from tasks_app.sdk.code import to_builder_code
from tasks_app.sdk.engine import Engine
from tasks_app.sdk.tasks import RealtimeTaskBuilder, TaskBuilder
from tasks_app.sdk.workflows import WorkflowBuilder

__all__ = ["Engine", "RealtimeTaskBuilder", "TaskBuilder", "WorkflowBuilder", "to_builder_code", "to_yaml"]
