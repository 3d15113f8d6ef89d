"""Every anticipated error ends a command with a code, said in one way."""

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError

from cpds.base.errors import CPDSError
from tasks_app import errors
from tasks_app.cli import errors as cli
from tasks_app.cli.exit_codes import EXIT_CODES, ExitCode, exit_code_of, exit_code_of_end
from tasks_app.cli.failures import database_failure, failure_document, problem_line
from tasks_app.planning.source.problems import Problem
from tasks_app.states import INSTANCE_FINAL


class Undefined(Exception):
    sqlstate = "42P01"


def caused(kind, message, cause):
    error = kind(message)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound(kind="workflow", given="x", listing="y"), 3),
        (errors.AmbiguousId(kind="workflow", given="x", candidates="y"), 2),
        (errors.InvalidWorkflow(problems=[], count=0), 2),
        (errors.InvalidParams(workflow="x", problems=[], summary=""), 2),
        (errors.WorkflowInUse(workflow="x", count=1, instances="y"), 1),
        (cli.WaitTimedOut(instance="x", status="running", timeout="1s"), 4),
        (cli.WaitInterrupted(instance="x"), 130),
        (cli.NotMigrated(), 1),
        (CPDSError(), 1),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_an_error_has_its_exit_code(error, code):
    assert exit_code_of(error) == code


def test_a_kind_of_a_known_error_has_the_same_exit_code():
    kind = type("CloserStill", (errors.NotFound,), {"__module__": "tests.cli"})

    assert exit_code_of(kind(kind="x", given="y", listing="z")) is EXIT_CODES[errors.NotFound]


def test_only_completion_is_success():
    assert [state for state in sorted(INSTANCE_FINAL) if exit_code_of_end(state) is ExitCode.OK] == [
        "completed"
    ]


class TestDatabase:
    @pytest.mark.parametrize(
        "error",
        [
            OperationalError("no such table: tasks_app_workflow"),
            OperationalError("no such column: tasks_app_workflow.latest"),
            caused(ProgrammingError, 'relation "x" does not exist', Undefined()),
            ProgrammingError(1146, "Table 'x' doesn't exist"),
        ],
        ids=str,
    )
    def test_a_missing_table_asks_for_migrate(self, error):
        assert isinstance(database_failure(error), cli.NotMigrated)

    @pytest.mark.parametrize(
        "error",
        [OperationalError("connection refused"), InterfaceError("connection already closed")],
        ids=str,
    )
    def test_a_database_that_does_not_answer_is_said_to_be_unreachable(self, error):
        assert isinstance(database_failure(error), cli.DatabaseUnreachable)

    def test_a_mistake_of_this_program_is_not_explained_away(self):
        assert database_failure(ProgrammingError("syntax error")) is None


class TestFailures:
    def test_facts_stand_beside_the_message(self):
        error = cli.WaitTimedOut(instance="inst-1", status="running", timeout="1s")

        told = failure_document(error)["error"]

        assert (told["code"], told["message"], told["instance"]) == (
            "wait_timed_out",
            str(error),
            "inst-1",
        )

    def test_a_fact_cannot_displace_the_code(self):
        assert failure_document(CPDSError(code="other"))["error"]["code"] == "cpds_error"

    @pytest.mark.parametrize(
        ("problem", "file", "line"),
        [
            (
                Problem("c", "wrong", 3, 7, "tasks[0]", "do this"),
                "a.yaml",
                "a.yaml:3:7: tasks[0]: wrong (do this)",
            ),
            (Problem("c", "wrong", 3, 7, "tasks[0]"), "a.yaml", "a.yaml:3:7: tasks[0]: wrong"),
            (Problem("c", "too large", None, None, ""), "a.yaml", "a.yaml: too large"),
            (Problem("c", "wrong", None, None, "params.x"), None, "params.x: wrong"),
            (Problem("c", "wrong", None, None, ""), None, "wrong"),
        ],
    )
    def test_a_problem_is_one_line(self, problem, file, line):
        assert problem_line(problem, file=file) == line
