"""Every endpoint, every role, one's own project, another's and none: what each is told."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tasks_app.api.base import Endpoint
from tasks_app.api.permissions import SUPERUSER, needed_for
from tasks_app.errors import Forbidden, NotFound
from tasks_app.roles import Role
from tasks_app.services.access.callers import Caller, CallerKind
from tests.api.matrix import LINES, Line
from tests.api.people import MINE, THEIRS, People
from tests.api.seeds import SEEDS, filled

pytestmark = pytest.mark.django_db
NOT_DOORS = {"api/schema", "^api(?:/.*)?$"}
METHODS = ("get", "post", "put", "patch", "delete")
REFUSED = (401, 403, 404)


def patterns(resolver, prefix=""):
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, route)
        elif isinstance(each, URLPattern):
            yield route, each


ENDPOINTS = [
    (route, each)
    for route, each in patterns(get_resolver())
    if route.startswith("api/")
    and route not in NOT_DOORS
    and each.callback.__module__ != "cpds.host.health.views"  # open to everyone, and held by tests/web
]


def route_of(line):
    path = line.path.partition("?")[0]
    for name in SEEDS:
        path = path.replace(f"{{{name}}}", "1")
    return resolve(path).route


@pytest.mark.parametrize(("route", "pattern"), ENDPOINTS, ids=[route for route, _ in ENDPOINTS])
def test_every_door_and_method_is_in_the_table(route, pattern):
    view = pattern.callback.view_class
    has = {method.upper() for method in METHODS if hasattr(view, method)}

    assert {line.method for line in LINES if route_of(line) == route} == has
    assert set(view.needs) == has, "say what each method needs"


def test_a_method_whose_need_was_forgotten_is_for_superusers():
    class Forgetful(Endpoint):
        needs = {"GET": Role.VIEWER}

        def post(self, request):
            raise AssertionError

    assert needed_for(Forgetful(), "POST") == SUPERUSER


def test_to_ask_for_the_headers_of_an_answer_takes_as_much_as_to_ask_for_it():
    class Guarded(Endpoint):
        needs = {"GET": Role.ADMIN, "POST": Role.VIEWER}

    assert needed_for(Guarded(), "HEAD") == Role.ADMIN


@pytest.mark.parametrize("method", ["OPTIONS", "PUT"])
def test_what_an_endpoint_can_do_is_told_to_nobody_without_credentials(method, people):
    assert people.nobody().call(method, "/api/v1/projects").status_code == 401
    assert people.nobody().call("OPTIONS", "/api/v1/auth/token").status_code == 200


def test_a_project_of_others_is_not_found_rather_than_forbidden():
    caller = Caller(name="ann", kind=CallerKind.USER, roles={1: Role.VIEWER})

    with pytest.raises(NotFound):
        caller.require(Role.VIEWER, 2)
    with pytest.raises(Forbidden):
        caller.require(Role.ADMIN, 1)


def answer(client, line: Line, people: People):
    return client.call(line.method, filled(line.path, people), filled(line.body, people))


def includes(role: Role, need: str) -> bool:
    return need in {"anyone", "signed_in"} or (need in set(Role) and role.includes(Role(need)))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("line", LINES, ids=str)
class TestEachRole:
    def test_in_their_own_project(self, line, role, people):
        told = answer(people.client(role), line, people)

        if not line.people:
            assert told.status_code == 403, told.body
        elif includes(role, line.need):
            assert told.status_code < 400 or line.need == "anyone", told.body
        else:
            assert told.status_code in {403, 404}, told.body
            assert told.body["code"] == told.status_code

    def test_from_another_project_nothing_of_it_exists(self, line, role, people):
        told = answer(people.client(role, THEIRS), line, people)

        if line.in_project and line.people:
            is_far_too_little = not includes(role, line.need)
            assert told.status_code == 404 or (is_far_too_little and told.status_code == 403), told.body


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("line", [line for line in LINES if line.need in set(Role) and line.people], ids=str)
def test_naming_a_project_of_others_is_naming_none(line, role, people):
    told = answer(people.client(role, THEIRS, **{"X-CPDS-Project": MINE}), line, people)

    assert told.status_code in {404, 403}, told.body


@pytest.mark.parametrize("line", LINES, ids=str)
class TestOthers:
    def test_without_credentials(self, line, people):
        told = answer(people.nobody(), line, people)

        if line.need != "anyone":
            assert told.status_code == 401, told.body
            assert told.headers["WWW-Authenticate"].startswith("Bearer")

    def test_a_user_without_a_project(self, line, people):
        told = answer(people.without_project(), line, people)

        if line.need not in {"anyone", "signed_in"} or line.in_project:
            assert told.status_code in {403, 404}, told.body

    def test_a_worker(self, line, people):
        told = answer(people.worker(), line, people)

        if line.need != "anyone" and not line.worker:
            assert told.status_code == 403, told.body
            assert told.body["errors"][0]["code"] == "wrong_kind_of_token" if "errors" in told.body else True
        elif line.worker:
            assert told.status_code < 400, told.body

    def test_a_superuser(self, line, people):
        told = people.superuser().call(
            line.method,
            filled(line.path, people),
            filled(line.body, people),
            headers={"X-CPDS-Project": MINE},
        )

        if line.people and line.need != "anyone":
            assert told.status_code < 400, told.body
