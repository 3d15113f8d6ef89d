"""Claude as a tool of a worker over HTTP, against the rehearsal's server."""

import pytest

from tests.unit.rehearsal.stage import staged
from workers_app.sdk.tools.claude import claude_tool


def asked(fleet, hire, *rules, api_key="sk-test", **arguments):
    fleet.give(**{"prompt": "Say hello", **arguments})
    with staged(*rules) as stage:
        return hire(claude_tool(api_key=api_key, base_url=stage.url, simulated=True)).over()


def test_its_answer_is_the_output(fleet, hire):
    assert asked(fleet, hire, {"text": "Hello."}).completed == 1

    told = fleet.told("complete")
    assert told["output"] == "Hello."
    assert (told["report"]["prompt"], told["report"]["simulated"]) == ("Say hello", True)
    assert told["report"]["tokens"]["output_tokens"] > 0


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_with_a_schema_it_is_json(fleet, hire):
    asked(fleet, hire, {"json": {"n": 3}}, output_schema=SCHEMA)

    assert fleet.told("complete")["output"] == {"n": 3}


@pytest.mark.parametrize(
    ("rule", "arguments", "kind", "retryable"),
    [
        ({"status": 529, "error": {"type": "overloaded_error"}}, {}, "overloaded", True),
        ({"status": 401, "error": {"type": "authentication_error"}}, {}, "authentication", False),
        ({"text": "Half of", "breaks": "cut", "after_pieces": 1}, {}, "connection", True),
        ({"json": {"n": "three"}}, {"output_schema": SCHEMA}, "invalid_output", True),
        ({"text": "x"}, {"temprature": 1}, "bad_input", False),
    ],
)
def test_what_goes_wrong_is_told_with_its_kind(fleet, hire, rule, arguments, kind, retryable):
    assert asked(fleet, hire, rule, **arguments).failed == 1

    told = fleet.told("fail")
    assert (told["kind"], told["retryable"]) == (kind, retryable)


def test_without_a_key_it_says_so(fleet, hire):
    asked(fleet, hire, api_key=None)

    assert fleet.told("fail")["kind"] == "not_configured"
