"""Give a workflow another schedule: as its next version, since its definition says when it starts."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from cpds.base import db
from tasks_app.errors import ScheduleChanged
from tasks_app.models import Schedule, Workflow
from tasks_app.planning.definition.output.written import written
from tasks_app.planning.definition.output.yaml_writing import as_yaml
from tasks_app.services.lookup.by_name import find_workflow, lock_workflow
from tasks_app.services.workflows.definitions import WorkflowUpload, latest_spec, upload_workflow

ANY: Final = "*"
"""Stands for every mark: there must be a schedule, whichever it is."""


def set_schedule(
    *, given: str, schedule: Mapping[str, Any] | None, by: str, read: Collection[str] | None = None
) -> WorkflowUpload:
    """Store the newest version of a workflow with this schedule (None: without one) as its next version.

    ``schedule`` has the keys of a workflow file's. What is the same already changes nothing.
    ``read``: the marks of the schedules that may be replaced, or ``ANY``; None: whatever there is.

    :raises NotFound: when there is no such workflow.
    :raises ScheduleChanged: when the schedule has another mark than those, or there is none.
    :raises InvalidWorkflow: with every problem, when the schedule is not valid.
    """
    found = find_workflow(given=given)
    with db.transaction():
        workflow = lock_workflow(workflow=found)
        mark = schedule_mark(workflow)
        if read is not None and not (mark and {mark, ANY}.intersection(read)):
            raise ScheduleChanged(workflow=workflow.name)
        definition = written(latest_spec(workflow))
        definition.pop("schedule", None)
        if schedule is not None:
            definition["schedule"] = dict(schedule)
        return upload_workflow(source=as_yaml(definition).encode(), project=workflow.project, by=by)


def schedule_mark(workflow: Workflow) -> str:
    """Return what is another after anybody has changed the schedule; empty: there is none.

    It stays while the schedule only fires.
    """
    paused = Schedule.objects.filter(workflow=workflow).values_list("paused", flat=True).first()
    if paused is None:
        return ""
    return f"{workflow.latest}-{'paused' if paused else 'on'}"
