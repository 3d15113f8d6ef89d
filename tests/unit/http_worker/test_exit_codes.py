"""``python -m workers_app.sdk``: what its exit code says."""

import sys

import pytest

from workers_app.sdk import __main__ as program


@pytest.fixture
def run(fleet, monkeypatch):
    monkeypatch.setattr(program, "write_logs", lambda *, as_json: None)
    monkeypatch.delenv("CPDS_SERVER", raising=False)
    monkeypatch.delenv("CPDS_WORKER_TOKEN", raising=False)

    def run(*options, script="print(1)"):
        command = f"{sys.executable} -c '{script}'"
        given = ["--server", fleet.url, "--heartbeat", "0.2", "--exec", command, *options]
        return int(program.main(given))

    return run


@pytest.mark.parametrize(("script", "code"), [("print(1)", 0), ("raise SystemExit(3)", 1)])
def test_once_tells_how_its_task_ended(fleet, run, script, code):
    fleet.give()

    assert run("--once", script=script) == code
    assert fleet.acts()[-1] == ("fail" if code else "complete")


def test_once_without_a_task_is_5(run):
    assert run("--once", "--idle-exit", "0.2") == 5


def test_a_failed_task_is_no_failure_of_a_worker_of_many(fleet, run):
    fleet.give()

    assert run("--max-tasks", "1", script="raise SystemExit(3)") == 0


def test_a_refused_worker_is_3(fleet, run, capsys):
    fleet.refusal = 401

    assert run() == 3
    assert "so it is" in capsys.readouterr().err


def test_a_server_that_stays_away_is_4(fleet, run):
    fleet.is_away = True

    assert run("--patience", "0.2") == 4


@pytest.mark.parametrize("wrong", [["--concurrency", "0"], ["--nonsense"], ["--exec", "'"], ["--claude"]])
def test_a_command_line_that_cannot_be_used_is_2(run, wrong):
    with pytest.raises(SystemExit) as ended:
        run(*wrong)

    assert ended.value.code == 2


def test_an_address_that_is_none_is_2(run, fleet):
    fleet.url = "nowhere"

    assert run() == 2
