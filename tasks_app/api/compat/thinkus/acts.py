"""The eight stages that deliver a feature, and single tasks, for clients that know both by these names."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from cpds.base.conf import conf
from tasks_app.errors import ContractExists, NotFound
from tasks_app.models import Contract, Project, Workflow
from tasks_app.outcomes import JSON
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.submit.loose import Created, create_task
from tasks_app.services.workflows.contracts import contract_of_feature, generate_contract
from tasks_app.services.workflows.definitions import upload_workflow

WORKFLOW: Final = "feature-delivery"
FILE: Final = Path("config") / "workflows" / f"{WORKFLOW}.yaml"
SAMPLE: Final[Mapping[str, JSON]] = {
    "id": "F001",
    "name": "User Login",
    "description": "Users sign in with their e-mail address and a password, and stay signed in.",
    "module": "auth",
    "involves": ["frontend", "backend", "database"],
    "complexity": "medium",
}
"""The feature that is delivered when none is named."""
ACTIONS: Final = {"develop": "Develop", "test": "Test", "deploy": "Deploy"}


@dataclass(frozen=True, kw_only=True)
class Order:
    """A task as these clients describe it. ``params`` go into the description."""

    name: str
    task_type: str = "develop"
    feature_id: str = ""
    priority: int = 5
    dependencies: tuple[str, ...] = ()
    assigned_to: str = ""
    params: Mapping[str, str] | None = None


def start_delivery(
    *, project: Project, feature: Mapping[str, JSON], confirm_design: bool | None = None, by: str = ""
) -> str:
    """Start the eight stages for a feature; return the id of the instance.

    ``feature`` has a ``name``, and maybe ``id``, ``description``, ``module`` and ``involves``.
    The draft of its contract is made too, unless there is one. ``confirm_design``: whether the
    second stage waits for a person; None: unless it is a rehearsal.

    :raises InvalidContract: when the feature is not described so.
    """
    name = str(feature["name"])
    with suppress(ContractExists):
        generate_contract(project=project, feature={"id": name, **feature}, by=by)
    workflow = _delivery(project, by)
    asked = bool(conf().claude_api_key) if confirm_design is None else confirm_design
    params: dict[str, Any] = {
        "feature": name,
        "description": str(feature.get("description") or name),
        "confirm_design": asked,
    }
    return submit_instance(workflow=workflow.public_id, params=params, by=by)


def sample_contract(*, project: Project, by: str = "") -> Contract:
    """Return the contract of the sample; make its draft, where the project has none."""
    try:
        return generate_contract(project=project, feature=SAMPLE, by=by)
    except ContractExists:
        return contract_of_feature(project=project, feature_id=str(SAMPLE["id"]))


def schedule_order(*, project: Project, order: Order, by: str = "") -> Created:
    """Create the task that somebody ordered.

    :raises InvalidTasks: with every problem there is.
    """
    lines = [f"{key}: {value}" for key, value in (order.params or {}).items()]
    tags = [order.task_type, *([f"feature:{order.feature_id}"] if order.feature_id else [])]
    described = ACTIONS.get(order.task_type, order.task_type.capitalize())
    task: dict[str, JSON] = {
        "title": order.name,
        "description": "\n".join([f"{described}: {order.name}", *lines]),
        "priority": order.priority,
        "needs": list(order.dependencies),
        "tags": [*tags, *([f"assigned:{order.assigned_to}"] if order.assigned_to else [])],
    }
    return create_task(task=task, project=project, by=by)


def _delivery(project: Project, by: str) -> Workflow:
    """Return the project's workflow of this name; the one that comes with CPDS, where it has none."""
    try:
        return find_workflow(given=WORKFLOW, projects=[project.pk])
    except NotFound:
        upload_workflow(source=(Path(settings.BASE_DIR) / FILE).read_bytes(), project=project, by=by)
        return find_workflow(given=WORKFLOW, projects=[project.pk])
