"""A workflow is run from the command line, and the exit code says how it ended."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

from tests.standalone.program import Standalone

SHORT = """
name: short
params: {word: {type: string, default: hello}}
tasks:
  - {name: first, run: shell_command, with: {argv: [echo, "{{ params.word }}"]}}
  - name: 第二
    run: shell_command
    needs: [first]
    with: {argv: [cat], stdin: "{{ tasks.first.output.stdout }}"}
"""
FAILS = "name: fails\ntasks:\n  - {name: only, run: shell_command, with: {argv: ['false']}}\n"
LONG = "name: long\ntasks:\n  - {name: only, run: shell_command, with: {argv: [sleep, '60']}}\n"
WRONG = """
name: wrong
tasks:
  - {name: a, run: shell_command, needs: [nobody], with: {argv: [x]}}
  - {nam: b}
"""


def written(directory: Path, text: str) -> str:
    file = directory / "a workflow.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_an_empty_database_is_left_after_the_grace(standalone: Callable[..., Standalone]) -> None:
    program = standalone("--auto-shutdown", "--grace", "0.5", wait=False)

    assert program.wait_for_exit() == 0
    assert program.belongings() == []
    assert not (program.state / "run.json").exists()


def test_json_is_all_that_is_printed(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    program = standalone(
        *("--execute", written(tmp_path, SHORT), "--param", "word=早上好"),
        *("--auto-shutdown", "--grace", "0", "--json"),
        wait=False,
    )

    assert program.wait_for_exit(60) == 0, program.errors()
    document = json.loads(program.output())
    assert document["status"] == "completed"
    assert document["params"] == {"word": "早上好"}
    assert {each["name"]: each["status"] for each in document["tasks"]} == {
        "first": "completed",
        "第二": "completed",
    }
    assert program.belongings() == []


def test_a_table_of_results_is_printed(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    program = standalone("--execute", written(tmp_path, SHORT), "--auto-shutdown", "--grace", "0", wait=False)

    assert program.wait_for_exit(60) == 0, program.errors()
    assert "2 of 2 tasks completed" in program.output()
    assert "第二" in program.output()
    assert "\x1b" not in program.output()


def test_a_failure_is_exit_code_1(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    program = standalone("--execute", written(tmp_path, FAILS), "--auto-shutdown", "--grace", "0", wait=False)

    assert program.wait_for_exit(60) == 1
    assert "failed" in program.output()


def test_the_problems_of_a_workflow_are_listed(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    program = standalone("--execute", written(tmp_path, WRONG), wait=False)

    assert program.wait_for_exit() == 2
    assert len(program.errors().splitlines()) >= 3
    assert "nobody" in program.errors()
    assert program.output() == ""
    assert program.belongings() == []


def test_wrong_parameters_are_exit_code_2(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    program = standalone("--execute", written(tmp_path, SHORT), "--param", "wrod=x", wait=False)

    assert program.wait_for_exit() == 2
    assert "wrod" in program.errors()


def test_parameters_come_from_a_file_too(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("word: from the file\n", encoding="utf-8")

    program = standalone(
        *("--execute", written(tmp_path, SHORT), "--params-file", "params.yaml"),
        *("--auto-shutdown", "--grace", "0", "--json"),
        wait=False,
    )

    assert program.wait_for_exit(60) == 0, program.errors()
    assert json.loads(program.output())["params"] == {"word": "from the file"}


def test_it_stays_up_after_the_end_and_keeps_its_exit_code(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    program = standalone("--execute", written(tmp_path, FAILS))
    program.wait_for(lambda: "0 of 1 tasks completed" in program.output(), seconds=60)

    program.process.send_signal(signal.SIGINT)

    assert program.wait_for_exit() == 1


def test_an_interrupted_instance_is_carried_on_by_the_next_start(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    slow = SHORT.replace("argv: [cat]", "argv: [sh, -c, 'sleep 4; cat']")
    program = standalone("--execute", written(tmp_path, slow))
    program.wait_for_child_of("worker")
    program.stop()
    assert program.exit_code == 130
    assert program.belongings() == []

    again = standalone("--auto-shutdown", "--grace", "0", wait=False)

    assert again.wait_for_exit(90) == 0, again.errors()


def test_a_running_command_does_not_delay_the_stop(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    program = standalone("--execute", written(tmp_path, LONG))
    program.wait_for_child_of("worker")

    program.process.send_signal(signal.SIGINT)

    assert program.wait_for_exit(5.5) == 130
    program.wait_until_nothing_is_left(1)
