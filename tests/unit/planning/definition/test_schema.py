import jsonschema
import pytest

from tasks_app.planning.definition.output.schema import workflow_schema
from tasks_app.planning.source.yaml_source import read_yaml
from tests.unit.planning.builders import NIGHTLY, a_task
from tests.unit.planning.definition.test_durable_keys import EVERY_KEY

VALIDATOR = jsonschema.Draft202012Validator(workflow_schema())


def a_document(*tasks, **more):
    return {"name": "w", "tasks": list(tasks) or [a_task("a")], **more}


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(workflow_schema())


@pytest.mark.parametrize(
    "document",
    [
        read_yaml(NIGHTLY).value,
        read_yaml(EVERY_KEY).value,
        a_document(schedule="0 2 * * *"),
        a_document({"name": "a", "workflow": "other", "retry": 3, "join": "any", "when": True}),
        a_document(a_task("a", for_each=[1, 2], join={"at_least": 1}, retry={"count": 1})),
        a_document(),
        a_document(a_task("提取", needs=["b"], timeout="1h30m", priority=9, requires=["git"], tags=["x"])),
        a_document(
            params={"a": 5, "b": {"type": "integer", "default": 3}, "c": {"type": "x", "other": 1}, "d": None}
        ),
    ],
)
def test_it_accepts_good_documents(document):
    VALIDATOR.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        a_document(name="Bad_Name"),
        a_document(descripton="x"),
        {"name": "w", "tasks": []},
        a_document({"name": "a"}),
        a_document(a_task("")),
        a_document(a_task(" a")),
        a_document(a_task("a", depends_on=[])),
        a_document(a_task("a", needs="b")),
        a_document(a_task("a", priority="urgent")),
        a_document(a_task("a", priority=10)),
        a_document(a_task("a", timeout=0)),
        a_document(a_task("a", timeout="10s; rm")),
        a_document(a_task("a", **{"with": []})),
        a_document(a_task("a", requires=["Py"])),
        a_document(defaults={"timeout": "x"}),
        a_document(params={"b": {"type": "integr"}}),
        a_document(params={"a b": 1}),
        a_document(a_task("a", workflow="other")),
        a_document(a_task("a", retry=101)),
        a_document(a_task("a", retry={"interval": 5})),
        a_document(a_task("a", retry={"count": 1, "on": ["Time out"]})),
        a_document(a_task("a", join="some")),
        a_document(a_task("a", join={"at_least": 0})),
        a_document(a_task("a", when=5)),
        a_document(a_task("a", for_each="abc")),
        a_document(a_task("a", max_parallel=0)),
        a_document(a_task("a", compensate={"with": {}})),
        a_document(a_task("a", approval={"default": "maybe"})),
        a_document(a_task("a", mode="stream")),
        a_document(a_task("a", buffer_size=0)),
        a_document(schedule={"timezone": "UTC"}),
        a_document(schedule={"cron": "@daily", "overlap": "stop"}),
        a_document(on_failure="retry"),
        a_document(max_instances=0),
    ],
)
def test_it_refuses_bad_documents(document):
    assert not VALIDATOR.is_valid(document)


def test_every_key_has_a_description_for_editors():
    schema = workflow_schema()

    for model in (schema, *schema["$defs"].values()):
        for name, key in model["properties"].items():
            assert key.get("description"), name
            assert key.get("title") or "$ref" in key, name


def test_the_words_of_the_file_are_those_of_the_schema():
    assert set(workflow_schema()["$defs"]["TaskSpec"]["properties"]) >= {"with", "timeout", "needs", "run"}
