"""Give a workflow another schedule: as its next version, since its definition says when it starts."""

from collections.abc import Mapping
from typing import Any

from cpds.base import db
from tasks_app.planning.written import written
from tasks_app.planning.yaml_writing import as_yaml
from tasks_app.services.definitions import WorkflowUpload, latest_spec, upload_workflow
from tasks_app.services.lookup import find_workflow, lock_workflow


def set_schedule(*, given: str, schedule: Mapping[str, Any] | None, by: str) -> WorkflowUpload:
    """Store the newest version of a workflow with this schedule (None: without one) as its next version.

    ``schedule`` has the keys of a workflow file's. What is the same already changes nothing.

    :raises NotFound: when there is no such workflow.
    :raises InvalidWorkflow: with every problem, when the schedule is not valid.
    """
    found = find_workflow(given=given)
    with db.transaction():
        workflow = lock_workflow(workflow=found)
        definition = written(latest_spec(workflow=workflow))
        definition.pop("schedule", None)
        if schedule is not None:
            definition["schedule"] = dict(schedule)
        return upload_workflow(source=as_yaml(definition).encode(), project=workflow.project, by=by)
