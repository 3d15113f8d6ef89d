"""Contracts: drafted, checked, approved, changed under the version that was read, generated from features."""

import pytest

from tasks_app.errors import (
    ContractChanged,
    ContractExists,
    ContractIncomplete,
    ContractNotApproved,
    InvalidContract,
    NotFound,
)
from tasks_app.models import Contract, Project
from tasks_app.services.workflows.contracts import (
    Versions,
    approve_contract,
    contract_of_feature,
    create_contract,
    delete_contract,
    generate_contract,
    get_contract,
    mark_implemented,
    update_contract,
    validate_contract,
)
from tasks_app.states import ContractState

pytestmark = pytest.mark.django_db

API = {"method": "POST", "path": "/api/login", "request": {}, "response": {"ok": True}, "errors": []}
DATABASE = {"table": "users", "fields": [{"name": "id", "type": "int", "required": True}], "indexes": []}
FRONTEND = {"page": "Login", "components": ["Form"], "states": [], "events": []}


@pytest.fixture
def project():
    return Project.objects.default()


def a_contract(project, **parts):
    return create_contract(
        project=project, feature_id="login", feature_name="Login", parts=parts or {"api": API}, by="ada"
    )


def pointers(error):
    return [each.pointer for each in error.value.problems]


def test_it_begins_as_a_draft(project):
    contract = a_contract(project, api=API, database=DATABASE, frontend=FRONTEND)

    assert (contract.version, contract.status, contract.created_by) == (1, ContractState.DRAFT, "ada")
    assert get_contract(project=project, given=contract.public_id) == contract
    assert contract_of_feature(project=project, feature_id="login") == contract
    assert (contract.api, contract.database, contract.frontend) == (API, DATABASE, FRONTEND)


def test_a_feature_has_one(project):
    contract = a_contract(project)

    with pytest.raises(ContractExists, match=contract.public_id):
        a_contract(project)


def test_another_project_does_not_see_it(project):
    contract = a_contract(project)
    other = Project.objects.create(slug="other", name="Other")

    with pytest.raises(NotFound):
        get_contract(project=other, given=contract.public_id)
    a_contract(other)


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"api": {**API, "method": "FETCH"}}, "/api/method"),
        ({"api": {**API, "path": "api"}}, "/api/path"),
        ({"api": {"method": "GET"}}, "/api"),
        ({"api": {**API, "errors": [{"message": "x"}]}}, "/api/errors/0"),
        ({"api": "GET /"}, "/api"),
        ({"database": {"table": "t", "fields": [{"name": "id"}]}}, "/database/fields/0"),
        ({"database": {"table": "t", "indexes": [{"fields": []}]}}, "/database/indexes/0/fields"),
        ({"frontend": {"page": "", "components": []}}, "/frontend/page"),
        ({"frontend": {"page": "x", "states": {}}}, "/frontend/states"),
        ({"grpc": {}}, "/grpc"),
    ],
)
def test_what_is_wrong_is_named_with_its_pointer(project, parts, pointer):
    with pytest.raises(InvalidContract) as refused:
        a_contract(project, **parts)

    assert pointers(refused) == [pointer]
    assert not Contract.objects.exists()


@pytest.mark.parametrize(("feature_id", "name"), [("", "x"), ("x", ""), (None, "x"), (5, "x")])
def test_it_is_about_a_feature(project, feature_id, name):
    with pytest.raises(InvalidContract):
        create_contract(project=project, feature_id=feature_id, feature_name=name)


def test_a_change_is_a_new_version_and_the_old_one_stays(project):
    contract = a_contract(project)
    approve_contract(contract=contract, version=1, by="grace")

    changed = update_contract(contract=contract, version=1, changes={"database": DATABASE}, by="linus")

    assert (changed.version, changed.status, changed.approved_by) == (2, ContractState.DRAFT, "")
    assert (changed.api, changed.database) == (API, DATABASE)
    versions = Versions(contract=changed)
    newest, oldest = versions[0:20]
    assert len(versions) == 2
    assert (newest.version, newest.status) == (2, "draft")
    assert (oldest.version, oldest.status, oldest.approved_by, oldest.database) == (
        1,
        "approved",
        "grace",
        None,
    )


def test_a_part_is_taken_out_by_none(project):
    contract = a_contract(project, api=API, database=DATABASE)

    assert update_contract(contract=contract, version=1, changes={"database": None}).database is None


@pytest.mark.parametrize(
    "act",
    [
        lambda each: update_contract(contract=each, version=1, changes={"api": API}),
        lambda each: approve_contract(contract=each, version=1),
        lambda each: mark_implemented(contract=each, version=1),
    ],
)
def test_who_read_an_older_version_changes_nothing(project, act):
    contract = a_contract(project)
    update_contract(contract=contract, version=1, changes={"frontend": FRONTEND})

    with pytest.raises(ContractChanged, match="version 2, not 1"):
        act(contract)

    contract.refresh_from_db()
    assert (contract.version, contract.status) == (2, ContractState.DRAFT)


def test_draft_approved_implemented(project):
    contract = a_contract(project)
    with pytest.raises(ContractNotApproved):
        mark_implemented(contract=contract, version=1)

    approved = approve_contract(contract=contract, version=1, by="grace")
    assert (approved.status, approved.approved_by) == (ContractState.APPROVED, "grace")
    assert approve_contract(contract=contract, version=1, by="other").approved_by == "grace"
    assert mark_implemented(contract=contract, version=1).status == ContractState.IMPLEMENTED


def test_what_is_incomplete_is_not_approved(project):
    contract = a_contract(project, api={"method": "GET", "path": "/x"}, database={"table": "t"})

    assert [each.pointer for each in validate_contract(contract)] == [
        "/api/response",
        "/database/fields",
    ]
    with pytest.raises(ContractIncomplete) as refused:
        approve_contract(contract=contract, version=1)
    assert pointers(refused) == ["/api/response", "/database/fields"]


def test_an_empty_one_is_not_approved(project):
    contract = create_contract(project=project, feature_id="x", feature_name="X")

    with pytest.raises(ContractIncomplete):
        approve_contract(contract=contract, version=1)


def test_it_is_deleted_with_its_versions(project):
    contract = a_contract(project)
    update_contract(contract=contract, version=1, changes={"frontend": FRONTEND})

    delete_contract(contract=contract)

    assert not Contract.objects.exists()


@pytest.mark.parametrize(
    ("involves", "parts"),
    [
        (["backend"], ["api"]),
        (["database", "frontend"], ["database", "frontend"]),
        (["frontend", "backend", "database"], ["api", "database", "frontend"]),
        ([], []),
    ],
)
def test_it_is_generated_from_what_a_feature_involves(project, involves, parts):
    feature = {"id": "login", "name": "Login", "module": "users", "involves": involves}

    contract = generate_contract(project=project, feature=feature)

    there = [part for part in ("api", "database", "frontend") if getattr(contract, part) is not None]
    assert there == parts
    assert (contract.feature_id, contract.feature_name, contract.created_by) == ("login", "Login", "mike_pm")
    if contract.api is not None:
        assert contract.api == {
            "method": "POST",
            "path": "/api/login",
            "request": {},
            "response": {},
            "errors": [],
        }
    if contract.database is not None:
        assert contract.database == {"table": "users", "fields": []}


@pytest.mark.parametrize(
    ("feature", "pointer"),
    [
        ({"name": "x"}, "/id"),
        ({"id": "x", "name": "x", "involves": ["moon"]}, "/involves/0"),
        ({"id": "x", "name": "x", "involves": "backend"}, "/involves"),
        ({"id": "x", "name": "x", "module": 5}, "/module"),
    ],
)
def test_a_feature_that_is_not_described_so_is_refused(project, feature, pointer):
    with pytest.raises(InvalidContract) as refused:
        generate_contract(project=project, feature=feature)

    assert pointer in pointers(refused)
