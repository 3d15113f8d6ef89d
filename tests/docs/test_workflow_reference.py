"""docs/workflows.md and docs/rehearsal.md are complete and say what the code says."""

import ast
import re

import pytest
from pydantic import BaseModel

from tasks_app.planning.definition.param_spec import ParamSpec
from tasks_app.planning.definition.retry_words import RETRY_WORDS
from tasks_app.planning.definition.spec import Defaults, TaskSpec, WorkflowSpec
from tasks_app.planning.templates.operations import FILTERS_ALLOWED
from tasks_app.planning.templates.sandbox import LIST_METHODS, MAPPING_METHODS, ROOTS, TEXT_METHODS
from tests.architecture.sources import nodes, python_files
from tests.docs.pages import REHEARSAL, WORKFLOWS, named, rows, section
from workers_app.agents import errors as claude_errors
from workers_app.agents.arguments import DEFAULT_MAX_TOKENS, DEFAULT_MODEL, ClaudeArguments
from workers_app.agents.rehearsal.script import Rule, When
from workers_app.agents.roles import ROLES
from workers_app.executors.http.arguments import HttpRequestArguments
from workers_app.executors.shell_command import ShellCommandArguments

pytestmark = pytest.mark.any_database

TEXT = WORKFLOWS.read_text(encoding="utf-8")
INSIDE_ONLY = {"interrupted", "worker_lost"}
NOT_FOUND = {
    "claim",
    "contract",
    *("workflow", "version", "instance", "task", "listener", "project", "token", "user", "member"),
    "worker",
}


def keys_of(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def first_column(text):
    return {name for row in rows(text) for name in named(row[0])}


@pytest.mark.parametrize(
    ("heading", "model"),
    [("Top level", WorkflowSpec), ("Tasks", TaskSpec), ("Parameters", ParamSpec)],
)
def test_every_key_is_there_and_no_other(heading, model):
    assert first_column(section(WORKFLOWS, heading)) == keys_of(model)


def test_what_defaults_knows_is_told():
    assert keys_of(Defaults) == {"timeout"}
    assert "It knows one key: `timeout`" in section(WORKFLOWS, "Top level")


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("shell_command", ShellCommandArguments),
        ("http_request", HttpRequestArguments),
        ("claude", ClaudeArguments),
    ],
)
def test_every_argument_of_an_executor_is_there_and_no_other(heading, model):
    table = section(WORKFLOWS, heading).split("| Failure")[0]

    assert first_column(table) == keys_of(model)


def test_the_defaults_of_claude_are_told():
    told = {
        row[0].strip("`"): row[2].strip("`")
        for row in rows(section(WORKFLOWS, "claude").split("| Failure")[0])
    }

    assert (told["model"], told["max_tokens"]) == (DEFAULT_MODEL, str(DEFAULT_MAX_TOKENS))


def test_every_role_is_told():
    assert set(ROLES) <= set(re.findall(r"`(\w+)`", section(WORKFLOWS, "claude")))


@pytest.mark.parametrize(
    ("opening", "known"),
    [
        ("Filters: ", set(FILTERS_ALLOWED)),
        ("Methods of texts: ", set(TEXT_METHODS)),
        ("Of mappings: ", set(MAPPING_METHODS)),
        ("Of lists: ", set(LIST_METHODS)),
    ],
)
def test_the_template_language_is_told_whole(opening, known):
    sentence = TEXT.split(opening)[1].split("`.")[0] + "`"

    assert set(named(sentence)) == known


def test_the_roots_of_templates_are_told():
    table = section(WORKFLOWS, "Templates").split("- A value")[0]

    assert first_column(table) == set(ROOTS)


def kinds_in(*files):
    """Return every kind of failure that these files name."""
    found = set()
    for file in files:
        for node in nodes(file):
            if isinstance(node, ast.keyword) and node.arg in {"kind", "error_kind"}:
                found |= {
                    each.value
                    for each in ast.walk(node.value)
                    if isinstance(each, ast.Constant) and each.value
                }
    return found


def test_every_kind_of_failure_of_executors_is_told():
    files = python_files("workers_app/executors")
    judged = {
        value.kind for value in vars(claude_errors).values() if isinstance(value, claude_errors.Judgement)
    }
    told = {
        kind
        for heading in ("shell_command", "http_request", "claude", "Python functions")
        for row in rows(section(WORKFLOWS, heading).partition("| Failure")[2].partition("\n")[2])
        for kind in named(row[0])
    }
    own = set(first_column(section(WORKFLOWS, "How tasks fail")))

    assert (kinds_in(*files) | judged) - told - own == set()


def test_every_word_for_on_is_told_and_no_other():
    assert first_column(section(WORKFLOWS, "Words for `on`")) == set(RETRY_WORDS)


@pytest.mark.parametrize("heading", ["shell_command", "http_request", "claude", "Python functions"])
def test_what_may_get_better_has_a_word_for_on_and_nothing_else_does(heading):
    failures = rows(section(WORKFLOWS, heading).partition("| Failure")[2].partition("\n")[2])

    may_pass = {kind for row in failures if row[2] == "yes" for kind in named(row[0])}
    will_not = {kind for row in failures if row[2] == "no" for kind in named(row[0])}

    assert may_pass <= set(RETRY_WORDS)
    assert not will_not & set(RETRY_WORDS)


def test_every_kind_of_failure_of_the_record_is_told():
    files = [
        *python_files("tasks_app/services"),
        *python_files("workers_app/fleet", "workers_app/attempts", "workers_app/transports"),
    ]
    told = set(first_column(section(WORKFLOWS, "How tasks fail")))
    kinds = {kind for kind in kinds_in(*files) if re.fullmatch(r"[a-z_]+", str(kind))}

    assert kinds - told - INSIDE_ONLY <= NOT_FOUND


def test_every_code_of_a_problem_is_told():
    told = set(first_column(section(WORKFLOWS, "What is refused")))
    codes = set()
    for file in python_files("tasks_app/planning"):
        for node in nodes(file):
            if isinstance(node, ast.Call):
                codes |= _codes_of(node)

    assert codes - told == set()


def _codes_of(call):
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if function == "Finding":
        given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    elif function in {"Problem", "_add", "_object", "_problem"}:
        given = call.args[:1] if len(call.args) > 1 else []
    else:
        return set()
    constants = {each.value for one in given for each in ast.walk(one) if isinstance(each, ast.Constant)}
    return {each for each in constants if isinstance(each, str) and re.fullmatch(r"[a-z]+(?:_[a-z]+)*", each)}


def test_the_rules_of_a_rehearsal_are_told_whole():
    keys = first_column(section(REHEARSAL, "Scripts"))

    assert keys == keys_of(Rule) - {"when"} | keys_of(When)
