"""Everything starts, says where it is, and stops."""

import signal
import stat
import urllib.error
import urllib.request
from collections.abc import Callable

import psutil
import pytest

from tests.standalone.program import CHILDREN, Standalone
from tests.support.spawning import alive
from tests.support.waiting import stays_true

IN_ORDER = ["beat", "web", "worker", "broker"]


def answer_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_first_start_says_where_everything_is_for_its_user_alone(
    standalone: Callable[..., Standalone],
) -> None:
    program = standalone(is_first=True)

    facts = program.facts()
    assert set(facts) == {"url", "port", "broker_url", "database_url", "pids"}
    assert facts["url"] == f"http://127.0.0.1:{facts['port']}"
    assert facts["broker_url"].startswith("redis+socket://")
    assert facts["database_url"] == f"sqlite:///{program.state / 'db.sqlite3'}"
    assert set(facts["pids"]) == {"supervisor", *CHILDREN}
    assert facts["pids"]["supervisor"] == program.pid
    assert all(alive(psutil.Process(pid)) for pid in facts["pids"].values())
    assert answer_of(f"{facts['url']}/admin/login/") == 200
    for path in (program.state, program.state / "logs", program.state / "broker"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((program.state / "run.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((program.state / "broker.sock").stat().st_mode) == 0o700
    program.stop()
    told = program.output()
    assert "/admin/" in told
    assert "createsuperuser" in told
    assert f"CPDS_STATE_DIR='{program.state}'" in told
    assert str(program.state / "logs") in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_in_order(standalone: Callable[..., Standalone], number: signal.Signals) -> None:
    program = standalone()

    program.process.send_signal(number)

    assert program.wait_for_exit() == 130
    assert [name for name, _ in program.children_stopped()] == IN_ORDER
    assert program.belongings() == []
    assert not (program.state / "run.json").exists()


def test_a_second_ctrl_c_stops_at_once(standalone: Callable[..., Standalone]) -> None:
    program = standalone()
    psutil.Process(program.pid_of("beat")).suspend()
    psutil.Process(program.pid_of("worker")).suspend()
    program.process.send_signal(signal.SIGINT)
    # Sooner, the second would count as the first one's echo.
    assert stays_true(lambda: program.is_running, seconds=0.4)

    program.process.send_signal(signal.SIGINT)

    assert program.wait_for_exit() == 130
    assert {("beat", True), ("worker", True)} <= set(program.children_stopped())
    assert program.belongings() == []


def test_children_that_do_not_answer_are_killed(standalone: Callable[..., Standalone]) -> None:
    program = standalone()
    for child in CHILDREN:
        psutil.Process(program.pid_of(child)).suspend()

    program.process.send_signal(signal.SIGINT)

    assert program.wait_for_exit() == 130
    assert program.children_stopped() == [(name, True) for name in IN_ORDER]
    assert program.belongings() == []


def test_it_can_be_interrupted_while_it_starts(standalone: Callable[..., Standalone]) -> None:
    program = standalone(is_first=True, wait=False)
    program.wait_for_log("child_started child=beat")

    program.process.send_signal(signal.SIGINT)

    assert program.wait_for_exit() == 130
    assert program.belongings() == []


def test_a_too_long_path_is_no_hindrance(standalone: Callable[..., Standalone]) -> None:
    program = standalone(name="状态" * 30)

    assert str(program.state) not in program.facts()["broker_url"]
    program.stop()

    assert program.exit_code == 130
