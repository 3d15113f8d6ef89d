"""What the Claude executor sends, records and answers when all goes well."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks_app.outcomes import Completed, Failed
from tests.unit.rehearsal.stage import Stage, staged
from workers_app.agents.roles import system_text

VERDICT = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["passed", "failed"]},
        "score": {"type": "integer", "minimum": 7, "maximum": 10},
        "findings": {"type": "array", "minItems": 2, "items": {"type": "string", "minLength": 5}},
    },
    "required": ["verdict", "score", "findings"],
}


@pytest.fixture
def stage():
    with staged() as made:
        yield made


def sent(stage: Stage) -> dict:
    return stage.app.requests[-1]["body"]


def test_the_output_is_the_text_of_the_answer():
    with staged({"text": "Grüß Gott, 世界 🌍"}) as stage:
        outcome = stage.ask()

    assert isinstance(outcome, Completed)
    assert outcome.output == "Grüß Gott, 世界 🌍"


def test_the_report_tells_what_was_said_and_counted(stage):
    outcome = stage.ask("Say hello", system="Be kind", model="claude-sonnet-5-5")

    report = outcome.report
    assert report.prompt == "[system]\nBe kind\n\n[user]\nSay hello"
    assert report.answer == outcome.output
    assert report.model == "claude-sonnet-5-5"
    assert report.call_id == stage.app.requests[-1]["request_id"]
    assert report.tokens["input_tokens"] > 0
    assert report.tokens["output_tokens"] == -(-len(outcome.output) // 4)
    assert report.cost_usd_micros == 2 * report.tokens["input_tokens"] + 10 * report.tokens["output_tokens"]
    assert report.simulated
    assert report.metadata["stop_reason"] == "end_turn"
    assert "tokens_are_partial" not in report.metadata


def test_what_was_not_said_is_not_sent(stage):
    stage.ask("Say hello")

    body = sent(stage)
    assert body["model"] == "claude-opus-5-5"
    assert body["max_tokens"] == 8192
    assert body["messages"] == [{"role": "user", "content": "Say hello"}]
    assert body["stream"] is True
    assert not {"system", "output_config", "metadata", "temperature"} & body.keys()


def test_effort_and_max_tokens_are_passed_on(stage):
    stage.ask(effort="xhigh", max_tokens=64_000)

    assert sent(stage)["output_config"] == {"effort": "xhigh"}
    assert sent(stage)["max_tokens"] == 64_000


def test_a_role_becomes_the_system_text(stage):
    stage.ask(role="kevin_qa")

    assert sent(stage)["system"] == system_text("qa_engineer")


def test_an_unknown_role_is_taken_at_its_word(stage):
    stage.ask(role="security_expert")

    assert sent(stage)["system"].startswith("You are a security expert.")


def test_a_system_text_of_the_task_wins_over_its_role(stage):
    stage.ask(role="writer", system="Answer in verse")

    assert sent(stage)["system"] == "Answer in verse"


def test_every_kind_of_token_is_counted():
    usage = {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens_details": {"thinking_tokens": 7},
        "tokens_of_a_kind_yet_unknown": 3,
    }
    with staged({"text": "Hello", "usage": usage}) as stage:
        outcome = stage.ask(model="claude-opus-5-5")

    tokens = outcome.report.tokens
    assert tokens["ephemeral_1h_input_tokens"] == 20
    assert tokens["thinking_tokens"] == 7
    assert tokens["tokens_of_a_kind_yet_unknown"] == 3
    assert outcome.report.cost_usd_micros == 100 * 4 + 50 * 20 + 10 * 5 + 20 * 8 + 1000 * 0.2


def test_an_answer_of_an_unpriced_model_has_no_cost(stage, caplog):
    outcome = stage.ask(model="claude-fable-5-2")

    assert isinstance(outcome, Completed)
    assert outcome.report.cost_usd_micros is None
    assert "model_without_price model=claude-fable-5-2" in caplog.text


def test_with_a_schema_the_output_is_json_that_matches_it(stage):
    outcome = stage.ask("Judge", output_schema=VERDICT)

    assert isinstance(outcome, Completed)
    assert outcome.output["verdict"] == "passed"
    assert 7 <= outcome.output["score"] <= 10


def test_the_schema_is_sent_without_the_limits_the_api_refuses(stage):
    stage.ask("Judge", output_schema=VERDICT)

    wanted = sent(stage)["output_config"]["format"]
    assert wanted["type"] == "json_schema"
    assert wanted["schema"]["additionalProperties"] is False
    assert "minimum" not in wanted["schema"]["properties"]["score"]


def test_the_log_says_when_it_starts_and_how_it_ends_but_not_what_was_said(stage):
    stage.ask("A confidential question", role="analyst")

    assert stage.log[0] == "Asking claude-opus-5-5 as analyst"
    assert stage.log[1].startswith("Claude: completed, ")
    assert stage.log[1].endswith("(simulated)")
    assert "confidential" not in "".join(stage.log)


def test_what_a_rehearsal_answers_is_simulated_even_when_nobody_said_so(stage):
    outcome = stage.executor(simulated=False).execute(stage.call(prompt="Say hello"))

    assert outcome.report.simulated


def test_fifty_at_once_all_get_their_own_answer():
    with staged({"delay": 0.2}) as stage, ThreadPoolExecutor(50) as pool:
        executor = stage.executor()
        outcomes = list(
            pool.map(lambda n: executor.execute(stage.call(prompt=f"Feature: number {n}")), range(50))
        )

    assert all(isinstance(outcome, Completed) for outcome in outcomes)
    assert all(f"number {n}" in outcome.output for n, outcome in enumerate(outcomes))
    assert len({outcome.report.call_id for outcome in outcomes}) == 50


def test_without_a_key_it_says_what_to_do(stage):
    outcome = stage.executor(api_key=None).execute(stage.call(prompt="Say hello"))

    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == ("not_configured", False)
    assert "ANTHROPIC_API_KEY" in outcome.message
    assert outcome.report.prompt == "Say hello"
    assert not stage.app.requests


def test_a_key_in_the_environment_is_never_picked_up(stage, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")

    assert isinstance(stage.ask(), Completed)
    assert stage.executor(api_key="").execute(stage.call(prompt="Hi")).kind == "not_configured"


def test_a_proxy_is_not_asked_for_a_rehearsal(stage, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert isinstance(stage.ask(), Completed)


def test_the_key_does_not_show_in_the_connections_text(stage):
    assert "sk-test" not in repr(stage.executor()._connection())


def test_importing_the_executor_does_not_load_the_sdk():
    code = "import sys, workers_app.agents.executor; sys.exit('anthropic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "Hi", "temperature": 1}, "temperature"),
        ({"prompt": "Hi", "effort": "enormous"}, "effort"),
        ({"prompt": "Hi", "max_tokens": 0}, "max_tokens"),
        ({"prompt": "Hi", "output_schema": {"type": "objekt"}}, "output_schema"),
        ({"prompt": "Hi", "output_schema": {"type": ["string", "null"]}}, "output_schema"),
        ({"prompt": "Hi", "output_schema": {"type": "array", "items": {}}}, "output_schema"),
        ({"prompt": "Hi", "output_schema": {"$ref": "#/$defs/missing"}}, "output_schema"),
        ({"prompt": "Hi", "output_schema": {"$ref": "https://example.com/schema"}}, "output_schema"),
    ],
)
def test_wrong_arguments_are_found_before_and_when_it_runs(stage, arguments, field):
    executor = stage.executor()

    problems = executor.check_arguments(arguments, templated=frozenset())
    outcome = executor.execute(stage.call(**arguments))

    assert [problem.field.partition(".")[0] for problem in problems] == [field]
    assert isinstance(outcome, Failed)
    assert outcome.kind == "bad_input"
    assert not stage.app.requests


def test_a_templated_prompt_is_judged_when_it_is_rendered(stage):
    arguments = {"prompt": "{{ params.question }}", "max_tokens": "{{ params.limit }}"}

    assert not stage.executor().check_arguments(arguments, templated=frozenset(arguments))
