"""Conditions and lists of items: what they give, and when a condition holds."""

import pytest

from tasks_app.planning.templates.errors import TemplateError, UndefinedReference
from tasks_app.planning.templates.rendering import evaluate, is_one_expression, is_true, render

KNOWN = {
    "params": {"env": "production", "flags": [1, 0]},
    "outputs": {"list": {"items": [1, {"a": 2}]}},
    "instance": {"id": "i-1"},
    "task": {"name": "write"},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (None, None),
        ("plain", "plain"),
        ("{{ params.env == 'production' }}", True),
        ("{{ params.flags }}", [1, 0]),
        ("{{ tasks.list.output.items }}", [1, {"a": 2}]),
        ("{{ params.env }}!", "production!"),
        (["{{ instance.id }}", 5, {"x": "{{ params.env }}"}], ["i-1", 5, {"x": "production"}]),
    ],
)
def test_a_literal_is_itself_and_a_template_its_value(value, expected):
    assert evaluate(value, **KNOWN) == expected


def test_an_output_is_data_and_never_a_template():
    known = KNOWN | {"outputs": {"list": ["{{ params.env }}"]}}

    assert evaluate("{{ tasks.list.output }}", **known) == ["{{ params.env }}"]


def test_what_fails_is_said_with_the_task_and_the_key():
    with pytest.raises(UndefinedReference, match=r"for_each\[1\] of task 'write' cannot be filled in"):
        evaluate(["x", "{{ params.nothing }}"], field="for_each", **KNOWN)


def test_further_names_are_known_where_they_are_given():
    extra = {"item": {"id": 7}, "index": 0}

    assert render({"x": "{{ item.id }}", "y": "{{ index }}"}, extra=extra, **KNOWN) == {"x": 7, "y": 0}
    assert evaluate("{{ output }}", extra={"output": [1]}, **KNOWN) == [1]
    with pytest.raises(TemplateError, match=r"'item' is not defined here"):
        render({"x": "{{ item }}"}, **KNOWN)


@pytest.mark.parametrize(
    "value", [False, None, 0, 0.0, "", " ", "false", "False", "no", "NO", "0", "false\n", [], {}]
)
def test_a_condition_that_does_not_hold(value):
    assert not is_true(value)


@pytest.mark.parametrize("value", [True, 1, -1, 0.5, "true", "yes", "off", "1", "none", [0], {"a": None}])
def test_a_condition_that_holds(value):
    assert is_true(value)


@pytest.mark.parametrize("text", ["{{ x }}", "{{ [1, 2] }}", "{{ a.b | length }}", "{{ 1 +"])
def test_one_expression(text):
    assert is_one_expression(text)


@pytest.mark.parametrize(
    "text", ["", "x", " {{ x }}", "{{ x }}{{ y }}", "{% if x %}y{% endif %}", "{# x #}", "a {{ x }}"]
)
def test_more_or_less_than_one_expression(text):
    assert not is_one_expression(text)
