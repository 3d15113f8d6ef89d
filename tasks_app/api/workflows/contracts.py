"""``/api/v1/contracts``: the agreed interfaces of features. A version guards every change."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.errors import PreconditionFailed, flaw
from cpds.api.requests.forms import read_body, read_query
from cpds.api.responses.envelope import created, no_content, ok
from cpds.api.responses.etags import tagged, tags_read, unchanged
from cpds.api.responses.paging import OffsetPages
from cpds.api.schema.documentation import IF_MATCH, LIMIT, OFFSET, documented, listed
from tasks_app.api.base import Endpoint
from tasks_app.api.idempotency import once
from tasks_app.api.workflows.contract_forms import (
    ChangedContractForm,
    ContractQuery,
    FeatureForm,
    NewContractForm,
    VersionForm,
    parts_of,
)
from tasks_app.api.workflows.contract_views import (
    ContractVersionsView,
    ContractView,
    ValidationView,
    contract_view,
    validation_view,
    version_view,
)
from tasks_app.models import Contract
from tasks_app.roles import Role
from tasks_app.services.workflows import contracts

TAGS: Final = ["Contracts"]
PLACE: Final = "/api/v1/contracts"


class Contracts(Endpoint):
    """``/api/v1/contracts``."""

    needs = {"GET": Role.VIEWER, "POST": Role.EDITOR}

    @documented(
        "List contracts", answer=listed(ContractView), query=[ContractQuery, LIMIT, OFFSET], tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """List contracts, the newest first."""
        given = read_query(request, ContractQuery)
        named = given.get("projectId")
        rows = contracts.contracts_of(
            projects=self.projects(named), feature_id=given.get("featureId"), status=given.get("status")
        )
        pages = OffsetPages()
        page = pages.body(map(contract_view, pages.paginate_queryset(rows, request)))
        return ok(page) if named is None else ok(page, contracts=pages.count)

    @documented(
        "Make a contract", answer=ContractView, body=NewContractForm, status=201, creates=True, tags=TAGS
    )
    def post(self, request: Request) -> Response:
        """Make the contract of a feature, a draft in version 1."""
        form = read_body(request, NewContractForm)
        project = self.project(form.get("projectId"))

        def make() -> Response:
            row = contracts.create_contract(
                project=project,
                feature_id=form["featureId"],
                feature_name=form["featureName"],
                parts=parts_of(form),
                by=self.caller.name,
            )
            return created(contract_view(row), location=f"{PLACE}/{row.public_id}")

        return once(self, make)


class Generate(Endpoint):
    """``/api/v1/contracts/generate``."""

    needs = {"POST": Role.EDITOR}

    @documented(
        "Generate a contract", answer=ContractView, body=FeatureForm, status=201, creates=True, tags=TAGS
    )
    def post(self, request: Request) -> Response:
        """Make the draft of a feature's contract: a part for each thing it involves."""
        feature = read_body(request, FeatureForm)
        project = self.project(feature.pop("projectId", None))

        def make() -> Response:
            row = contracts.generate_contract(project=project, feature=feature, by=self.caller.name)
            return created(contract_view(row), location=f"{PLACE}/{row.public_id}")

        return once(self, make)


class ContractEndpoint(Endpoint):
    """An endpoint of one contract."""

    def found(self, given: str) -> Contract:
        """Return a contract in whose project the caller has the method's role."""
        row = contracts.find_contract(given=given, projects=self.projects())
        self.require(row.project_id, kind="contract", given=given)
        return row

    def version(self, row: Contract, form: dict[str, Any]) -> int:
        """Return the version that was read: what ``If-Match`` says, else the body.

        :raises PreconditionFailed: when ``If-Match`` names another than there is.
        :raises InvalidInput: when neither says it.
        """
        matched = self.matched(row)
        if matched is not None:
            return matched
        if "version" in form:
            return int(form["version"])
        raise flaw("/version", "say which version was read, here or in If-Match", code="required")

    def matched(self, row: Contract) -> int | None:
        """Return the version that ``If-Match`` says was read; None without that header.

        :raises PreconditionFailed: when it names another than there is.
        """
        tags = tags_read(self.request)
        if tags is None:
            return None
        if not tags & {"*", str(row.version), _etag(row).strip('"')}:
            raise PreconditionFailed(given=self.request.headers["If-Match"][:100], now=_etag(row))
        return row.version

    def moved(self, request: Request, given: str, move: Callable[..., Contract]) -> HttpResponse:
        """Move a contract on from the version that was read, and return it."""
        form = read_body(request, VersionForm)
        row = self.found(given)
        row = move(contract=row, version=self.version(row, form), by=self.caller.name)
        return tagged(ok(contract_view(row)), _etag(row))


class OneContract(ContractEndpoint):
    """``/api/v1/contracts/{id}``."""

    needs = {"GET": Role.VIEWER, "PATCH": Role.EDITOR, "DELETE": Role.EDITOR}

    @documented("Show a contract", answer=ContractView, polled=True, tags=TAGS)
    def get(self, request: Request, contract: str) -> HttpResponse:
        """Show a contract; its ETag is its version and state."""
        row = self.found(contract)
        etag = _etag(row)
        return unchanged(request, etag) or tagged(ok(contract_view(row)), etag)

    @documented(
        "Change a contract",
        answer=ContractView,
        body=ChangedContractForm,
        query=[IF_MATCH],
        versioned=True,
        tags=TAGS,
    )
    def patch(self, request: Request, contract: str) -> HttpResponse:
        """Replace parts or the name: the next version, a draft again. A part set to null is taken out."""
        form = read_body(request, ChangedContractForm)
        row = self.found(contract)
        version = self.version(row, form)
        changes = parts_of(form)
        if "featureName" in form:
            changes["feature_name"] = form["featureName"]
        row = contracts.update_contract(contract=row, version=version, changes=changes, by=self.caller.name)
        return tagged(ok(contract_view(row)), _etag(row))

    @documented("Delete a contract", status=204, query=[IF_MATCH], tags=TAGS)
    def delete(self, request: Request, contract: str) -> Response:  # noqa: ARG002
        """Delete a contract with all its versions; with ``If-Match`` only as it was read."""
        row = self.found(contract)
        contracts.delete_contract(contract=row, version=self.matched(row), by=self.caller.name)
        return no_content()


class Versions(ContractEndpoint):
    """``/api/v1/contracts/{id}/versions``."""

    needs = {"GET": Role.VIEWER}

    @documented("List a contract's versions", answer=ContractVersionsView, query=[LIMIT, OFFSET], tags=TAGS)
    def get(self, request: Request, contract: str) -> Response:
        """List what every version says, the newest first."""
        row, pages = self.found(contract), OffsetPages()
        said = pages.paginate_queryset(contracts.Versions(contract=row), request)
        return ok(
            ContractVersionsView(
                id=row.public_id,
                total=pages.count,
                versions=[version_view(each) for each in said],
                has_more=pages.has_more,
            )
        )


class Validate(ContractEndpoint):
    """``/api/v1/contracts/{id}/validate``."""

    needs = {"POST": Role.VIEWER}

    @documented("Validate a contract", answer=ValidationView, tags=TAGS)
    def post(self, request: Request, contract: str) -> Response:  # noqa: ARG002
        """Say what keeps a contract from being approved. Nothing is changed."""
        row = self.found(contract)
        return ok(validation_view(row, contracts.validate_contract(contract=row)))


class Approve(ContractEndpoint):
    """``/api/v1/contracts/{id}/approve``."""

    needs = {"POST": Role.EDITOR}

    @documented(
        "Approve a contract",
        answer=ContractView,
        body=VersionForm,
        query=[IF_MATCH],
        versioned=True,
        tags=TAGS,
    )
    def post(self, request: Request, contract: str) -> HttpResponse:
        """Approve a contract in the version that was read."""
        return self.moved(request, contract, contracts.approve_contract)


class Implemented(ContractEndpoint):
    """``/api/v1/contracts/{id}/implemented``."""

    needs = {"POST": Role.EDITOR}

    @documented(
        "Say that a contract is implemented",
        answer=ContractView,
        body=VersionForm,
        query=[IF_MATCH],
        versioned=True,
        tags=TAGS,
    )
    def post(self, request: Request, contract: str) -> HttpResponse:
        """Say that what was approved is there."""
        return self.moved(request, contract, contracts.mark_implemented)


def _etag(row: Contract) -> str:
    return f'"{row.version}-{row.status}"'
