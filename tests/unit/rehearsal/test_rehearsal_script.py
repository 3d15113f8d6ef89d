"""The rehearsal does what a script tells it, and refuses scripts that make no sense."""

import json

import pytest
import yaml

from workers_app.agents.rehearsal.answers import Question
from workers_app.agents.rehearsal.script import Rule, ScriptInvalid, load_script, parse_script
from workers_app.agents.roles import system_text

HELLO = Question(system=system_text("qa_engineer"), prompt="Say hello to Ada")


def rule_for(*rules, question=HELLO, model="claude-opus-5-5"):
    return parse_script({"rules": list(rules)}).rule_for(question, model)


def test_the_first_rule_that_fits_wins():
    rule = rule_for(
        {"when": {"contains": "Bob"}, "text": "1"}, {"when": {"contains": "Ada"}, "text": "2"}, {"text": "3"}
    )

    assert rule.words == "2"


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({"contains": "QA engineer"}, True),
        ({"role": "qa_engineer"}, True),
        ({"role": "kevin_qa"}, True),
        ({"role": "writer"}, False),
        ({"model": "claude-opus-5-5"}, True),
        ({"model": "claude-haiku-5-5"}, False),
        ({"role": "qa_engineer", "contains": "Bob"}, False),
    ],
)
def test_a_rule_looks_at_text_role_and_model(when, fits):
    assert (rule_for({"when": when, "text": "mine"}).words == "mine") is fits


def test_no_rule_that_fits_means_the_usual_answer():
    assert rule_for({"when": {"contains": "Bob"}}) == Rule()


def test_calls_are_counted_for_each_rule():
    script = parse_script({"rules": [{"when": {"call": 2}, "text": "second"}, {"text": "other"}]})

    words = [script.rule_for(HELLO, "m").words for _ in range(3)]

    assert words == ["other", "second", "other"]


def test_a_list_of_calls_names_several():
    script = parse_script({"rules": [{"when": {"call": [1, 3]}, "status": 529}]})

    assert [script.rule_for(HELLO, "m").status for _ in range(4)] == [529, 200, 529, 200]


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_a_script_is_read_from_json_or_yaml(tmp_path, dump):
    path = tmp_path / "script"
    path.write_text(dump({"rules": [{"json": {"score": 9}}]}), encoding="utf-8")

    assert load_script(path).rule_for(HELLO, "m").words == '{"score": 9}'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("rules: [", "cannot be read"),
        ("rules: [{txet: hi}]", "rules.0.txet"),
        ("rules: [{status: 99}]", "rules.0.status"),
        ("rules: [{breaks: sometimes}]", "rules.0.breaks"),
        ("rules: [{text: a, json: 1}]", "not both"),
        ("hello", "script"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(tmp_path, content, told):
    path = tmp_path / "script.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ScriptInvalid) as refused:
        load_script(path)

    assert told in str(refused.value)
