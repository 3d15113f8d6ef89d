import os

import pytest

from tasks_app.outcomes import Completed, Failed
from tests.unit.executors.builders import a_call
from workers_app.executors.shell_command import ShellCommand


@pytest.fixture(params=["contained", "bare"])
def shell_command(request):
    return ShellCommand(contained=request.param == "contained")


@pytest.fixture
def run(shell_command, tmp_path):
    def run(argv, **arguments):
        return shell_command.execute(a_call(tmp_path, argv=argv, **arguments))

    return run


def test_a_command_that_exits_with_zero_completes_with_its_outputs(run):
    outcome = run(["sh", "-c", "echo out; echo err >&2"])

    assert outcome == Completed(
        output={"exit_code": 0, "stdout": "out\n", "stderr": "err\n", "truncated": False}
    )


def test_a_text_is_split_into_words_and_never_given_to_a_shell(run):
    outcome = run("printf '%s|' '$(id)' `id` ; && 'a b' *")

    assert outcome.output["stdout"] == "$(id)|`id`|;|&&|a b|*|"


def test_another_exit_code_is_a_failure_worth_a_retry_with_the_last_line_of_stderr(run):
    outcome = run(["sh", "-c", "echo some; echo 'disk is full' >&2; exit 3"])

    assert (outcome.kind, outcome.retryable) == ("exit_code", True)
    assert outcome.message == "sh exited with code 3: disk is full"
    assert outcome.detail == {"exit_code": 3}
    assert outcome.output["stdout"] == "some\n"


@pytest.mark.parametrize("code", [1, 126, 127, 137])
def test_exit_codes_that_look_like_signals_or_missing_programs_are_exit_codes(run, code):
    outcome = run(["sh", "-c", f"exit {code}"])

    assert (outcome.kind, outcome.detail) == ("exit_code", {"exit_code": code})


def test_death_by_a_signal_is_told_by_its_name(run):
    outcome = run(["sh", "-c", "kill -9 $$"])

    assert (outcome.kind, outcome.detail) == ("signal", {"signal": 9})
    assert outcome.message == "sh was killed by SIGKILL"


def test_a_missing_program_is_permanent(run):
    outcome = run(["no-such-program-here"])

    assert (outcome.kind, outcome.retryable) == ("missing_program", False)
    assert outcome.detail["reason"] == "not_found"


def test_a_missing_interpreter_is_permanent(run, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)

    assert run(["./script"]).detail["reason"] == "not_found"


@pytest.mark.parametrize(("content", "mode"), [("#!/bin/sh\n", 0o644), ("no first line", 0o755)])
def test_a_file_that_cannot_be_executed_is_permanent(run, tmp_path, content, mode):
    script = tmp_path / "script"
    script.write_text(content)
    script.chmod(mode)

    outcome = run(["./script"])

    assert (outcome.kind, outcome.retryable) == ("missing_program", False)
    assert outcome.detail["reason"] == "not_executable"


def test_arguments_longer_than_the_system_takes_are_bad_input(run):
    assert run(["echo", "x" * 3_000_000]).kind == "bad_input"


def test_the_environment_holds_nothing_of_the_worker(run, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")

    outcome = run(["env"], env={"COLOUR": "green"})

    names = {line.partition("=")[0] for line in outcome.output["stdout"].splitlines()}
    assert names == {"PATH", "HOME", "LANG", "TMPDIR", "COLOUR", "CPDS_COMMAND_ID"}
    assert f"HOME={tmp_path}\n" in outcome.output["stdout"]


def test_temporary_files_are_made_in_the_workspace(run, tmp_path):
    outcome = run(["mktemp"])

    assert outcome.output["stdout"].startswith(f"{tmp_path}/")


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "BASH_ENV",
        "ENV",
        "IFS",
        "GIT_SSH_COMMAND",
        "ld_preload",
    ],
)
def test_variables_that_change_how_programs_load_are_refused(run, name):
    outcome = run(["true"], env={name: "x"})

    assert (outcome.kind, outcome.retryable) == ("bad_input", False)
    assert name in outcome.message


def test_a_command_starts_in_the_directory_asked_for(run, tmp_path):
    (tmp_path / "src" / "deep").mkdir(parents=True)

    assert run(["pwd"], cwd="src/deep").output["stdout"] == f"{tmp_path}/src/deep\n"


def test_a_link_that_stays_inside_is_followed(run, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    assert run(["pwd", "-P"], cwd="link").output["stdout"] == f"{tmp_path}/real\n"


@pytest.mark.parametrize("cwd", ["/etc", "..", "a/../..", "link", "link/deeper", "missing", "file", "\0"])
def test_a_directory_outside_the_workspace_or_missing_is_refused(run, tmp_path, cwd):
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "file").touch()

    assert run(["pwd"], cwd=cwd).kind == "bad_input"


def test_input_larger_than_a_pipe_arrives_whole(run):
    assert run(["wc", "-c"], stdin="x" * 5_000_000).output["stdout"].strip() == "5000000"


def test_a_command_need_not_read_its_input(run):
    assert isinstance(run(["true"], stdin="x" * 5_000_000), Completed)


def test_without_input_a_reader_sees_the_end_at_once(run):
    assert run(["cat"]).output["stdout"] == ""


def test_input_and_output_flow_at_the_same_time(run):
    assert len(run(["cat"], stdin="y" * 900_000).output["stdout"]) == 900_000


def test_a_huge_output_loses_its_middle_and_says_so(run):
    outcome = run(["sh", "-c", "echo begin; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo end"])

    stdout = outcome.output["stdout"]
    assert outcome.output["truncated"] is True
    assert stdout.startswith("begin\n")
    assert stdout.endswith("\nend\n")
    assert "bytes left out" in stdout
    assert len(stdout) < (1 << 20) + 100


def test_binary_output_becomes_safe_text(run):
    assert run(["printf", r"a\000b\377c\n"]).output["stdout"] == "ab\ufffdc\n"


def test_endless_output_ends_at_the_timeout(run):
    outcome = run(["yes"], timeout=0.5)

    assert (outcome.kind, outcome.output["truncated"]) == ("timeout", True)


def test_signals_a_worker_ignores_are_not_ignored_by_its_commands(run):
    outcome = run(["sh", "-c", "kill -PIPE $$; echo alive"])

    assert outcome.kind == "signal"


def test_no_descriptor_of_the_worker_is_passed_on(run):
    outcome = run(["sh", "-c", "ls /proc/self/fd"])

    # 3 is the directory that ls reads.
    assert outcome.output["stdout"].split() == ["0", "1", "2", "3"]


def test_a_contained_command_sees_only_its_own_processes(tmp_path):
    outcome = ShellCommand().execute(a_call(tmp_path, argv=["cat", f"/proc/{os.getpid()}/cmdline"]))

    if outcome.kind == "exit_code":
        assert "No such file" in outcome.message
    else:
        pytest.skip("no PID namespace is to be had here")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "argv"),
        ({"argv": []}, "argv"),
        ({"argv": "echo 'open"}, "argv"),
        ({"argv": ["a\0b"]}, "argv"),
        ({"argv": ["\ud800"]}, "argv"),
        ({"argv": ["sleep", 5]}, "argv.1"),
        ({"argv": "true", "timeout": "soon"}, "timeout"),
        ({"argv": "true", "cwd": "../up"}, "cwd"),
        ({"argv": "true", "env": {"IFS": " "}}, "env"),
        ({"argv": "true", "shell": True}, "shell"),
    ],
)
def test_bad_arguments_are_found_before_running_and_when_running(tmp_path, arguments, field):
    problems = ShellCommand().check_arguments(arguments, templated=frozenset())
    outcome = ShellCommand().execute(a_call(tmp_path, **arguments))

    assert [problem.field for problem in problems] == [field]
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.detail["fields"]) == ("bad_input", [field])


def test_an_unknown_argument_comes_with_the_name_probably_meant():
    [problem] = ShellCommand().check_arguments({"argv": "true", "stdn": ""}, templated=frozenset())

    assert problem.hint == "did you mean 'stdin'?"


def test_templated_arguments_are_judged_by_presence_only():
    arguments = {"argv": "{{ params.argv }}", "timeout": "{{ params.timeout }}", "cwd": "/{{ x }}"}

    assert ShellCommand().check_arguments(arguments, templated=frozenset(arguments)) == []


@pytest.mark.parametrize(
    "argv", [["true"], ["sh", "-c", "touch $TMPDIR/left"], ["false"], ["no-such-program"]]
)
def test_the_temporary_directory_is_gone_afterwards(run, tmp_path, argv):
    run(argv)

    assert list(tmp_path.iterdir()) == []


def test_what_the_command_made_in_its_workspace_stays(run, tmp_path):
    run(["touch", "result"])

    assert [each.name for each in tmp_path.iterdir()] == ["result"]


def test_a_link_in_place_of_the_temporary_directory_is_not_followed(run, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()

    run(["sh", "-c", f"rmdir $TMPDIR; ln -s {kept} $TMPDIR"])

    assert (kept / "file").exists()
