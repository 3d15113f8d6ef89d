"""Every GET of the matrix takes as many statements at a hundred rows as at ten."""

import functools
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from tests.api.growing import NEEDED, Seeded, grow
from tests.api.matrix import LINES
from tests.api.people import MINE
from tests.api.seeds import SEEDS

pytestmark = pytest.mark.django_db
READ = sorted({line.path for line in LINES if line.method == "GET" and line.people})
FIXED = {
    "/api/v1/workflows/{workflow}": "the tasks of one definition",
    "/api/v1/workflows/{workflow}/diff": "the differences of two definitions",
    "/api/v1/workflows/{workflow}/schedule/next": "times that are worked out",
    "/api/v1/tasks/{offered}/why": "what holds one task",
    "/api/v1/instances/{running}/why": "what holds one instance, and its first tasks",
}
"""Arrays in answers that do not grow with the rows there are, and why."""
IN_ALL_PROJECTS = {"/api/v1/projects", "/api/v1/auth/me"}
ROWS = ("items", "nodes", "tasks", "workers", "versions", "records", "projects")


def address(path, people, made):
    for name, make in SEEDS.items():
        if f"{{{name}}}" in path:
            made[name] = made[name] if name in made else make(people)
            path = path.replace(f"{{{name}}}", made[name])
    return f"{path}{'&' if '?' in path else '?'}limit=100"


def asked(client, path):
    """Return the answer and its statements; addresses that are no lists take no ``limit``."""
    with CaptureQueriesContext(connection) as captured:
        told = client.get(path)
    if told.status_code == 400 and "limit" in told.body["message"]:
        return asked(client, path.replace("?limit=100", "").replace("&limit=100", ""))
    assert told.status_code < 400, told.body
    return told, [each["sql"] for each in captured.captured_queries]


def rows_in(told):
    data = told.body.get("data") if told.body else None
    if isinstance(data, dict):
        data = next((data[key] for key in ROWS if key in data), None)
    return len(data) if isinstance(data, list) else None


def holds_objects(shape, components, depth=0):
    """Return whether an answer's shape has a list of objects, in it or one or two levels down."""
    while "$ref" in shape:
        shape = components[shape["$ref"].rpartition("/")[2]]
    if shape.get("type") == "array":
        return "$ref" in shape["items"] or "properties" in shape["items"]
    inner = shape.get("properties", {}).values() if depth < 2 else ()
    return any(holds_objects(each, components, depth + 1) for each in inner)


def lists_of_the_schema():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        answer = methods.get("get", {"responses": {}})["responses"].get("200", {})
        content = answer.get("content", {}).get("application/json")
        if content and holds_objects(content["schema"], schema["components"]["schemas"]):
            yield path


def matching(template):
    """Return the addresses of the matrix that a path of the schema stands for."""
    words = re.compile(re.sub(r"\{\w+\}", rf"(\\{{\\w+\\}}|{MINE})", template) + r"\Z")
    return [path for path in READ if words.match(path.partition("?")[0])]


@functools.cache
def lists():
    """Return the addresses of everything that the schema says is a list."""
    return {path for template in lists_of_the_schema() for path in matching(template)} - FIXED.keys()


def test_every_list_of_the_schema_is_walked(db):
    templates = list(lists_of_the_schema())

    assert len(templates) > 20
    assert [template for template in templates if not matching(template)] == []
    assert FIXED.keys() <= set(READ)


def test_a_hundred_rows_take_no_more_statements_than_ten(people):
    made = {name: SEEDS[name](people) for name in sorted(NEEDED)}
    walked = {path: address(path, people, made) for path in READ}
    root, admin = people.superuser(), people.client("admin", **{"X-CPDS-Project": MINE})
    clients = {path: root if path in IN_ALL_PROJECTS else admin for path in READ}
    like = Seeded.by(made)

    grow(people, 10, like=like)
    for path, whole in walked.items():
        asked(clients[path], whole)  # what is prepared or remembered is now
    few = {path: asked(clients[path], whole) for path, whole in walked.items()}
    grow(people, 90, like=like)
    many = {path: asked(clients[path], whole) for path, whole in walked.items()}

    dearer = {path: many[path][1] for path in READ if len(many[path][1]) > len(few[path][1])}
    assert dearer == {}
    sizes = {path: [rows_in(each[path][0]) or 0 for each in (few, many)] for path in lists()}
    same = {path: size for path, size in sizes.items() if size[0] >= size[1]}
    assert same == {}, "these must have grown, or nothing was compared"
