"""Contracts: the interface of a feature that its developers agree on before they work in parallel.

``version`` counts the changes of a contract and guards them: whoever changes
one says which version they read. What a change replaces stays on record, so an
approved version can be read for ever.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import QuerySet

from cpds.base import clock, db
from tasks_app.errors import (
    ContractChanged,
    ContractExists,
    ContractIncomplete,
    ContractNotApproved,
    InvalidContract,
    NotFound,
)
from tasks_app.models import Contract, ContractVersion, Project
from tasks_app.outcomes import JSON
from tasks_app.planning.inputs.contract_spec import (
    GENERATED_BY,
    INVOLVES,
    PARTS,
    check_complete,
    check_feature,
    check_parts,
    generated_parts,
)
from tasks_app.planning.source.pointers import PointedProblem
from tasks_app.planning.values.values import as_json
from tasks_app.services.access.audit import differences, note_change
from tasks_app.states import ContractState

LISTING: Final = "the contracts of the project"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one version of a contract says."""

    version: int
    status: str
    api: JSON
    database: JSON
    frontend: JSON
    created_by: str
    approved_by: str


def create_contract(
    *,
    project: Project,
    feature_id: str,
    feature_name: str,
    parts: Mapping[str, JSON] | None = None,
    by: str = "",
    written_by: str | None = None,
) -> Contract:
    """Create the contract of a feature, a draft in version 1. ``parts``: api, database, frontend.

    ``written_by``: whose work it is, where that is not who asks for it.

    :raises InvalidContract: with every problem there is.
    :raises ContractExists: when the feature has one already.
    """
    given = dict(parts or {})
    _refuse(check_feature(feature_id=feature_id, feature_name=feature_name) + _check(given))
    try:
        with db.transaction():
            made = Contract.objects.create(
                project=project,
                feature_id=as_json(feature_id),
                feature_name=as_json(feature_name),
                created_by=by if written_by is None else written_by,
                **_stored(given),
            )
            _note("created", made, by=by)
            # As it is stored: its times are the database's.
            made.refresh_from_db()
            return made
    except IntegrityError:
        there = Contract.objects.filter(project=project, feature_id=feature_id).first()
        if there is None:
            raise
        raise ContractExists(feature_id=feature_id, contract=there.public_id) from None


def contracts_of(
    *, projects: Collection[int] | None, feature_id: str | None = None, status: str | None = None
) -> "QuerySet[Contract]":
    """Return the contracts of these projects (None: of all), the newest first."""
    rows: QuerySet[Contract] = Contract.objects.select_related("project").order_by("-pk")
    if projects is not None:
        rows = rows.filter(project__in=sorted(projects))
    if feature_id is not None:
        rows = rows.filter(feature_id=feature_id)
    return rows if status is None else rows.filter(status=status)


def find_contract(*, given: str, projects: Collection[int] | None = None) -> Contract:
    """Return a contract of these projects (None: of all) by its id.

    :raises NotFound: when there is none.
    """
    return _found(contracts_of(projects=projects).filter(public_id=as_json(given)).first(), given)


def get_contract(*, project: Project, given: str) -> Contract:
    """Return a contract by its id.

    :raises NotFound: when the project has none of that id.
    """
    return _found(Contract.objects.filter(project=project, public_id=as_json(given)).first(), given)


def contract_of_feature(*, project: Project, feature_id: str) -> Contract:
    """Return the contract of a feature.

    :raises NotFound: when it has none.
    """
    rows = Contract.objects.filter(project=project, feature_id=as_json(feature_id))
    return _found(rows.first(), feature_id)


def update_contract(
    *, contract: Contract, version: int, changes: Mapping[str, JSON], by: str = ""
) -> Contract:
    """Replace parts or the feature's name; the contract is a draft again, in its next version.

    ``version`` is the one that was read. A part set to None is taken out; what is
    not named stays.

    :raises ContractChanged: when somebody has changed it since.
    :raises InvalidContract: with every problem there is.
    """
    parts = {name: value for name, value in changes.items() if name != "feature_name"}
    name = changes.get("feature_name", contract.feature_name)
    _refuse(check_feature(feature_id=contract.feature_id, feature_name=name) + _check(parts))
    with db.transaction():
        row = _locked(contract, version)
        _keep(row)
        Contract.objects.filter(pk=row.pk).update(
            version=version + 1,
            status=ContractState.DRAFT,
            feature_name=as_json(name),
            created_by=by or row.created_by,
            approved_by="",
            updated_at=clock.now(),
            **_stored(parts),
        )
        _note_change("changed", row, by=by)
    return row


def validate_contract(contract: Contract) -> list[PointedProblem]:
    """Return everything that keeps a contract from being approved, each with its pointer."""
    return check_complete(_parts(contract))


def approve_contract(*, contract: Contract, version: int, by: str = "") -> Contract:
    """Approve a contract in the version that was read; approving what is approved changes nothing.

    :raises ContractChanged: when somebody has changed it since.
    :raises ContractIncomplete: with everything that is missing.
    """
    with db.transaction():
        row = _locked(contract, version)
        if row.status != ContractState.DRAFT:
            return row
        problems = validate_contract(row)
        if problems:
            raise ContractIncomplete(contract=row.public_id, problems=problems, count=len(problems))
        Contract.objects.filter(pk=row.pk).update(
            status=ContractState.APPROVED, approved_by=by, updated_at=clock.now()
        )
        _note_change("approved", row, by=by)
    return row


def mark_implemented(*, contract: Contract, version: int, by: str = "") -> Contract:
    """Say that what was approved is there; saying so again changes nothing.

    :raises ContractChanged: when somebody has changed it since.
    :raises ContractNotApproved: when nobody has approved it.
    """
    with db.transaction():
        row = _locked(contract, version)
        if row.status == ContractState.DRAFT:
            raise ContractNotApproved(contract=row.public_id)
        Contract.objects.filter(pk=row.pk).update(status=ContractState.IMPLEMENTED, updated_at=clock.now())
        _note_change("implemented", row, by=by)
    return row


def delete_contract(*, contract: Contract, version: int | None = None, by: str = "") -> None:
    """Delete a contract with all its versions. ``version``: only while that is its newest one.

    :raises ContractChanged: when somebody has changed it since.
    """
    with db.transaction():
        if version is not None:
            _locked(contract, version)
        _note("deleted", contract, by=by)
        Contract.objects.filter(pk=contract.pk).delete()


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What the versions of a contract say, the newest first; read in slices, from a start to a stop."""

    contract: Contract

    def __len__(self) -> int:
        return 1 + self._replaced().count()

    def __getitem__(self, part: slice) -> list[Said]:
        """Return those of a slice; the first is the contract itself, and is stored nowhere else."""
        current = [_said(self.contract, self.contract.version)] if part.start == 0 else []
        older = self._replaced()[max(0, part.start - 1) : part.stop - 1]
        return [*current, *(_said(row, row.number) for row in older)]

    def _replaced(self) -> "QuerySet[ContractVersion]":
        return ContractVersion.objects.filter(contract=self.contract).order_by("-number")


def generate_contract(*, project: Project, feature: Mapping[str, JSON], by: str = "") -> Contract:
    """Create the draft of a feature's contract: an API, database or frontend part for what it ``involves``.

    ``by`` asked for it, which is what its event tells; its author is the team's product manager.

    ``feature`` has ``id``, ``name``, ``involves`` (backend, database, frontend) and maybe ``module``.

    :raises InvalidContract: when the feature is not described so.
    :raises ContractExists: when the feature has a contract already.
    """
    feature_id, name, involves = feature.get("id"), feature.get("name"), feature.get("involves", [])
    problems = [
        PointedProblem(
            pointer=each.pointer.replace("/feature_id", "/id").replace("/feature_name", "/name"),
            code=each.code,
            message=each.message,
            hint=each.hint,
        )
        for each in check_feature(feature_id=feature_id, feature_name=name)
    ]
    if not isinstance(involves, list):
        problems.append(_not_involved("/involves"))
    else:
        problems += [
            _not_involved(f"/involves/{place}")
            for place, each in enumerate(involves)
            if not isinstance(each, str) or each not in INVOLVES
        ]
    module = feature.get("module") or feature_id
    if not isinstance(module, str):
        problems.append(PointedProblem(pointer="/module", code="wrong_type", message="expected text"))
    _refuse(problems)
    parts = generated_parts(
        feature_id=str(feature_id), name=str(name), module=str(module), involves=list(involves)
    )
    return create_contract(
        project=project,
        feature_id=str(feature_id),
        feature_name=str(name),
        parts=parts,
        by=by,
        written_by=GENERATED_BY,
    )


def _note_change(done: str, row: Contract, *, by: str) -> None:
    """Read a contract again that was changed, and note what differs."""
    before = _facts(row)
    row.refresh_from_db()
    was, now = differences(before=before, after=_facts(row))
    _note(done, row, by=by, before=was, after=now)


def _note(
    done: str,
    row: Contract,
    *,
    by: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    note_change(
        kind=f"contract.{done}",
        by=by,
        project=row.project,
        subject=row.public_id,
        before=before,
        after=after,
    )


def _facts(row: Contract) -> dict[str, Any]:
    return {
        "version": row.version,
        "status": str(row.status),
        "feature_name": row.feature_name,
        **_parts(row),
    }


def _not_involved(pointer: str) -> PointedProblem:
    message = f"expected a list of {', '.join(INVOLVES)}"
    return PointedProblem(pointer=pointer, code="bad_value", message=message)


def _check(parts: Mapping[str, JSON]) -> list[PointedProblem]:
    unknown = [
        PointedProblem(pointer=f"/{name}", code="unknown_key", message=f"a contract has no part {name!r}")
        for name in parts
        if name not in PARTS
    ]
    return unknown or check_parts(parts)


def _refuse(problems: list[PointedProblem]) -> None:
    if problems:
        raise InvalidContract(problems=problems, count=len(problems))


def _stored(parts: Mapping[str, JSON]) -> dict[str, Any]:
    return {name: as_json(value, path=name) for name, value in parts.items()}


def _parts(row: Contract) -> dict[str, JSON]:
    return {name: getattr(row, name) for name in PARTS}


def _said(row: Contract | ContractVersion, number: int) -> Said:
    return Said(
        version=number,
        status=row.status,
        api=row.api,
        database=row.database,
        frontend=row.frontend,
        created_by=row.created_by,
        approved_by=row.approved_by,
    )


def _found(contract: Contract | None, given: str) -> Contract:
    if contract is None:
        raise NotFound(kind="contract", given=given, listing=LISTING)
    return contract


def _locked(contract: Contract, version: int) -> Contract:
    row = _found(db.locking(Contract.objects.filter(pk=contract.pk)).first(), contract.public_id)
    if row.version != version:
        raise ContractChanged(contract=row.public_id, version=row.version, given=version)
    return row


def _keep(row: Contract) -> None:
    """Keep what a change is about to replace."""
    ContractVersion.objects.create(
        contract=row,
        number=row.version,
        status=row.status,
        created_by=row.created_by,
        approved_by=row.approved_by,
        **_parts(row),
    )
