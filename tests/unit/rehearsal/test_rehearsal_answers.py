"""What the rehearsal says, and the JSON it makes from a schema."""

import json

import pytest

from tasks_app.outcomes import Completed
from tests.unit.rehearsal.stage import staged
from workers_app.agents.rehearsal.answers import Question, answer
from workers_app.agents.roles import ROLES, system_text

PROMPT = "Plan the work\n\nFeature: Saved searches\n\nWrite it down."


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_has_answers_of_a_readable_length_that_name_the_feature(role):
    text = answer(Question(system=system_text(role), prompt=PROMPT))

    assert "Saved searches" in text
    assert 300 <= len(text) <= 1600
    assert text.startswith("# Plan the work")
    assert "{" + "feature}" not in text


def test_roles_answer_differently():
    texts = {answer(Question(system=system_text(role), prompt=PROMPT)) for role in ROLES}

    assert len(texts) == len({id(duties) for duties in ROLES.values()})


def test_the_same_question_gets_the_same_answer():
    question = Question(system=system_text("writer"), prompt=PROMPT)

    assert answer(question) == answer(Question(system=question.system, prompt=question.prompt))


@pytest.mark.parametrize(
    ("prompt", "feature"),
    [
        ("Feature: Saved searches\nDo it", "Saved searches"),
        ("功能:保存搜索", "保存搜索"),
        ('Test the feature "Export to CSV" now', "Export to CSV"),
        ("- Feature name: Dark mode.", "Dark mode"),
        ("Count the rows in this table of ours please and thanks", "Count the rows in this table of ours"),
        ("", "the feature"),
    ],
)
def test_the_feature_is_found_in_the_prompt(prompt, feature):
    assert Question(system="", prompt=prompt).feature == feature


SCHEMAS = {
    "limits": {
        "type": "object",
        "properties": {
            "score": {"type": "integer", "minimum": 1, "maximum": 10},
            "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "multipleOf": 0.25},
            "short": {"type": "string", "maxLength": 8},
            "long": {"type": "string", "minLength": 300},
            "many": {"type": "array", "minItems": 7, "items": {"type": "string"}},
            "few": {"type": "array", "maxItems": 1, "items": {"type": "boolean"}},
        },
        "required": ["score", "share", "short", "long", "many", "few"],
    },
    "choices": {
        "type": "object",
        "properties": {
            "level": {"enum": ["high", "low"]},
            "kind": {"const": "report"},
            "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "one": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        },
        "required": ["level", "kind", "either", "one"],
    },
    "references": {
        "type": "object",
        "properties": {
            "first": {"$ref": "#/$defs/point"},
            "all": {"type": "array", "items": {"$ref": "#/$defs/point"}},
        },
        "required": ["first", "all"],
        "$defs": {
            "point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        },
    },
    "recursion": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["name", "children", "next"],
            }
        },
    },
    "formats": {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name}
            for name in ("date", "date-time", "email", "uri", "uuid", "ipv4", "ipv6", "hostname")
        },
        "required": ["date", "uuid"],
    },
    "a list at the top": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    "nothing much": {"type": "object"},
}


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("prompt", ["Feature: one", "Feature: two", "Feature: three"])
def test_an_answer_with_a_schema_is_json_that_matches_it_also_where_limits_became_words(stage, name, prompt):
    outcome = stage.ask(prompt, output_schema=SCHEMAS[name])

    assert isinstance(outcome, Completed), outcome
    assert len(json.dumps(outcome.output)) < 20_000


def test_items_of_a_list_differ_and_have_ids_of_their_own():
    item = {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}}}
    schema = {"type": "object", "properties": {"features": {"type": "array", "minItems": 3, "items": item}}}

    made = json.loads(answer(Question(system="", prompt="Feature: Saved searches", schema=schema)))[
        "features"
    ]

    assert [one["id"] for one in made[:2]] == ["FEA-1", "FEA-2"]
    assert made[0]["title"] != made[1]["title"]


def test_what_may_be_empty_by_its_own_words_is_empty():
    described = {"description": "Empty when there is none"}
    schema = {
        "type": "object",
        "properties": {
            "defects": {"type": "array", "items": {"type": "string"}, **described},
            "rule": {"type": "string", **described},
        },
    }

    made = json.loads(answer(Question(system="", prompt="Judge", schema=schema)))

    assert made == {"defects": [], "rule": ""}
