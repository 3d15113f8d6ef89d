"""Claude as a tool of a worker over HTTP, against the rehearsal's server."""

import pytest

from tasks_app.outcomes import Completed
from tests.support.waiting import wait_until
from tests.unit.rehearsal.stage import staged
from workers_app.sdk.tools.claude import claude_tool


def tool(stage, *, api_key="sk-test"):
    return claude_tool(api_key=api_key, base_url=stage.url, simulated=True)


def asked(fleet, hire, *rules, api_key="sk-test", **given):
    fleet.give(**{"prompt": "Say hello", **given})
    with staged(*rules) as stage:
        return hire(tool(stage, api_key=api_key)).over()


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


JUDGED = [
    ({"status": 529, "error": {"type": "overloaded_error"}}, {}, "overloaded", True),
    ({"status": 401, "error": {"type": "authentication_error"}}, {}, "authentication", False),
    ({"text": "Half of", "breaks": "cut", "after_pieces": 1}, {}, "connection", True),
    ({"text": "Half of", "stop_reason": "max_tokens"}, {"max_tokens": 5}, "max_tokens", False),
    ({"text": " "}, {}, "empty_answer", True),
    ({"json": {"n": "three"}}, {"output_schema": SCHEMA}, "invalid_output", True),
    ({"text": "x"}, {"temprature": 1}, "bad_input", False),
]


@pytest.mark.parametrize(("rule", "arguments", "kind", "retryable"), JUDGED)
def test_what_goes_wrong_is_told_with_its_kind(fleet, hire, rule, arguments, kind, retryable):
    assert asked(fleet, hire, rule, **arguments).failed == 1

    told = fleet.told("fail")
    assert (told["kind"], told["retryable"]) == (kind, retryable)


@pytest.mark.parametrize(
    ("rule", "arguments"), [({"text": "Hello."}, {"role": "writer"}), *(case[:2] for case in JUDGED)]
)
def test_an_answer_is_judged_and_recorded_as_by_every_other_worker(fleet, hire, rule, arguments):
    arguments = {"prompt": "Say hello", **arguments}
    with staged(rule) as stage:
        outcome = stage.executor().execute(stage.call(**arguments))
        fleet.give(**arguments)
        hire(tool(stage)).over()

    [(_, _, told)] = [each for each in fleet.said if each[0] in {"complete", "fail"}]
    if isinstance(outcome, Completed):
        assert told["output"] == outcome.output
    else:
        facts = outcome.kind, outcome.message, outcome.retryable
        assert (told["kind"], told["message"], told["retryable"]) == facts
    recorded = {name: value for name, value in vars(outcome.report).items() if value}
    own = {"call_id", "metadata", "cost_usd_micros"}  # of each call, and what the server works out
    assert told["report"].items() >= {name: recorded[name] for name in recorded.keys() - own}.items()


def test_the_key_is_not_told_to_anybody(fleet, hire):
    key = "no-pattern-knows-this-key"
    asked(fleet, hire, {"status": 400, "error": {"message": f"what is {key}?"}}, api_key=key)

    assert key not in str(fleet.said)


def test_what_is_empty_counts_as_left_out(fleet, hire):
    empty = {"system": "", "role": None, "model": "", "effort": None, "max_tokens": None}

    assert asked(fleet, hire, {"text": "Hello."}, **empty).completed == 1
    assert fleet.told("complete")["report"]["model"] == "claude-opus-5-5"


def test_the_task_log_says_when_it_starts_and_how_it_ends(fleet, hire):
    asked(fleet, hire, {"text": "Hello."})

    first, last = [body["lines"] for act, _, body in fleet.said if act == "logs"]
    assert first == ["Asking claude-opus-5-5"]
    assert last[0].startswith("Claude: completed, ")


def test_what_was_counted_until_a_timeout_is_told(fleet, hire):
    asked(fleet, hire, {"text": "one two three", "breaks": "stall", "after_pieces": 1}, timeout_seconds=0.5)

    told = fleet.told("fail")
    assert told["kind"] == "timeout"
    assert told["report"]["tokens"]["input_tokens"] > 0


def test_a_worker_told_to_stop_hands_back_what_claude_was_asked(fleet, hire):
    with staged({"delay": 60}) as stage:
        fleet.give(prompt="Say hello")
        hired = hire(tool(stage), limits={}, grace_seconds=0.1)
        wait_until(lambda: stage.app.requests)
        hired.worker.stop()

        assert hired.over().released == 1


def test_without_a_key_it_says_so(fleet, hire):
    asked(fleet, hire, api_key=None)

    assert fleet.told("fail")["kind"] == "not_configured"
