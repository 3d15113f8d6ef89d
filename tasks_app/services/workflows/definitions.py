"""Workflows: upload and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cpds.base import clock, db
from tasks_app.errors import NotFound
from tasks_app.models import Project, Workflow, WorkflowVersion
from tasks_app.planning.definition.checks.validation import load_workflow
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.inputs.params import params_from_text, resolve_params
from tasks_app.services.access.audit import note_change
from tasks_app.services.lookup.by_name import WORKFLOWS, find_workflow, lock_workflow
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.schedules.from_definitions import keep_schedule


@dataclass(frozen=True, kw_only=True)
class WorkflowUpload:
    """What an upload came to. ``created`` is False when this very version was there already."""

    workflow_id: str
    name: str
    version: int
    task_count: int
    created: bool


def validate_workflow(source: bytes | str) -> WorkflowSpec:
    """Return the definition that ``source`` describes.

    :raises InvalidWorkflow: with every problem, when it is not valid.
    """
    return load_workflow(source, catalog=connected_fleet())


def upload_workflow(*, source: bytes, project: Project | None = None, by: str = "") -> WorkflowUpload:
    """Store a workflow, or the next version of the one that has its name.

    The same definition again changes nothing: comments and layout do not count.

    :raises InvalidWorkflow: with every problem, when it is not valid; nothing is stored.
    """
    spec = validate_workflow(source)
    text = source.decode("utf-8-sig")
    with db.transaction():
        owner = project or Project.objects.default()
        workflow, is_new = Workflow.objects.get_or_create(
            project=owner, name=spec.name, defaults={"description": spec.description, "latest": 0}
        )
        workflow = lock_workflow(workflow=workflow)
        latest = None if is_new else workflow.versions.order_by("-number").first()
        if latest is None or latest.digest != spec.digest():
            latest = _next_version(workflow, spec, text)
            created = True
            note_change(
                kind="workflow.uploaded",
                by=by,
                project=owner,
                subject=workflow.name,
                before={"version": latest.number - 1} if latest.number > 1 else {},
                after={"version": latest.number, "digest": latest.digest},
            )
        else:
            created = False
        keep_schedule(workflow=workflow, spec=spec.schedule)
    return WorkflowUpload(
        workflow_id=workflow.public_id,
        name=workflow.name,
        version=latest.number,
        task_count=latest.task_count,
        created=created,
    )


def read_params(*, workflow: str, pairs: Sequence[str], version: int | None = None) -> dict[str, Any]:
    """Return the parameters that ``K=V`` texts give, in the types a version declares (None: the newest).

    :raises NotFound: when there is no such workflow or version.
    :raises InvalidParams: when a text cannot be read.
    """
    return params_from_text(version_spec(workflow=workflow, number=version), pairs)


def complete_params(*, spec: WorkflowSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``given`` with the workflow's defaults.

    :raises InvalidParams: when they do not fit.
    """
    return resolve_params(spec, given)


def latest_version(workflow: Workflow) -> WorkflowVersion:
    """Return the newest version of a workflow.

    :raises NotFound: when the workflow was deleted meanwhile.
    """
    newest: WorkflowVersion | None = workflow.versions.filter(number=workflow.latest).first()
    if newest is None:
        raise NotFound(kind="workflow", given=workflow.name, listing=WORKFLOWS)
    return newest


def latest_number(workflow: str) -> int:
    """Return the number of the newest version of a workflow.

    :raises NotFound: when there is no such workflow.
    """
    return find_workflow(given=workflow).latest


def latest_spec(workflow: Workflow) -> WorkflowSpec:
    """Return the newest definition of a workflow."""
    return WorkflowSpec.from_json(latest_version(workflow).definition)


def version_spec(*, workflow: str, number: int | None = None) -> WorkflowSpec:
    """Return a version of a workflow, the newest unless its number is given.

    :raises NotFound: when there is no such workflow or version.
    """
    found = find_workflow(given=workflow)
    version = find_version(workflow=found, number=found.latest if number is None else number)
    return WorkflowSpec.from_json(version.definition)


def find_version(*, workflow: Workflow, number: int) -> WorkflowVersion:
    """Return a version of a workflow.

    :raises NotFound: when it has none of that number.
    """
    version = workflow.versions.filter(number=number).first()
    if version is None:
        listing = f"manage.py workflow show {workflow.public_id}"
        raise NotFound(kind="version", given=f"{workflow.name}@{number}", listing=listing)
    return version


def _next_version(workflow: Workflow, spec: WorkflowSpec, text: str) -> WorkflowVersion:
    version = WorkflowVersion.objects.create(
        workflow=workflow,
        number=workflow.latest + 1,
        source=text,
        definition=spec.to_json(),
        digest=spec.digest(),
        task_count=len(spec.tasks),
    )
    workflow.latest = version.number
    workflow.description = spec.description
    workflow.max_running = spec.max_running
    workflow.updated_at = clock.now()
    workflow.save(update_fields=["latest", "description", "max_running", "updated_at"])
    return version
