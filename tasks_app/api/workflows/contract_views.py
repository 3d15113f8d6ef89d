"""What the endpoints of contracts show: the keys of the documented model, ``featureId`` and so on."""

from typing import Annotated, Any

from msgspec import Meta

from cpds.base.view import Moment, View, one_of
from tasks_app.models import Contract
from tasks_app.planning.inputs.contract_spec import PARTS
from tasks_app.planning.source.pointers import PointedProblem
from tasks_app.services.queries.values import moment_of
from tasks_app.services.workflows.contracts import Said
from tasks_app.states import ContractState

Version = Annotated[int, Meta(ge=1)]


class ContractVersionView(View):
    """What one version says."""

    version: Version
    status: Annotated[str, one_of(ContractState)]
    api: Any
    database: Any
    frontend: Any
    createdBy: str  # noqa: N815 - the documented model's
    approvedBy: str  # noqa: N815


class ContractView(ContractVersionView):
    """A contract as it stands."""

    id: str
    projectId: str  # noqa: N815
    featureId: str  # noqa: N815
    featureName: str  # noqa: N815
    createdAt: Moment  # noqa: N815
    updatedAt: Moment  # noqa: N815


class ContractVersionsView(View):
    """A page of the versions, the newest first."""

    id: str
    total: Version
    versions: list[ContractVersionView]
    has_more: bool


class ProblemView(View):
    """What keeps a contract from being approved."""

    pointer: str
    code: str
    message: str
    hint: str


class ValidationView(View):
    """Whether a contract could be approved, and what is missing."""

    valid: bool
    version: Version
    problems: list[ProblemView]


def contract_view(row: Contract) -> ContractView:
    """Return what is shown of a contract, whose project is loaded."""
    return ContractView(
        id=row.public_id,
        projectId=row.project.slug,
        featureId=row.feature_id,
        featureName=row.feature_name,
        version=row.version,
        status=row.status,
        **{name: getattr(row, name) for name in PARTS},
        createdBy=row.created_by,
        approvedBy=row.approved_by,
        createdAt=moment_of(row.created_at),
        updatedAt=moment_of(row.updated_at),
    )


def version_view(said: Said) -> ContractVersionView:
    """Return what is shown of a version."""
    return ContractVersionView(
        version=said.version,
        status=said.status,
        **{name: getattr(said, name) for name in PARTS},
        createdBy=said.created_by,
        approvedBy=said.approved_by,
    )


def validation_view(row: Contract, problems: list[PointedProblem]) -> ValidationView:
    """Return what a validation found."""
    shown = [ProblemView(**problem.to_json()) for problem in problems]
    return ValidationView(valid=not problems, version=row.version, problems=shown)
