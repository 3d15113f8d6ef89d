"""Installations live side by side, and may use a database and a broker of the user's."""

from collections.abc import Callable
from pathlib import Path

from tests.standalone.program import NO_REHEARSAL, Standalone
from tests.support.servers import Broker


def test_two_live_side_by_side(standalone: Callable[..., Standalone]) -> None:
    first, second = standalone(name="one", is_first=True), standalone(name="two")

    ones, twos = first.facts(), second.facts()
    assert set(ones["pids"].values()).isdisjoint(twos["pids"].values())
    assert all(ones[key] != twos[key] for key in ("port", "broker_url", "database_url"))

    first.stop()

    assert first.belongings() == []
    assert len(second.belongings()) >= len(twos["pids"])


def test_a_broker_and_a_database_of_the_users_may_stand_in_files(
    standalone: Callable[..., Standalone], broker: Broker, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'mine.sqlite3'}"
    files = {"CPDS_BROKER_URL": broker.url, "DATABASE_URL": database}
    for name, content in files.items():
        (tmp_path / name).write_text(f"{content}\n", encoding="utf-8")

    named = {f"{name}_FILE": str(tmp_path / name) for name in files}
    program = standalone(is_first=True, env={**NO_REHEARSAL, **named})

    facts = program.facts()
    assert "broker" not in facts["pids"]
    assert (facts["broker_url"], facts["database_url"]) == (broker.url, database)
    assert (tmp_path / "mine.sqlite3").exists()
    assert not (program.state / "db.sqlite3").exists()


def test_without_a_key_the_rehearsal_is_started_and_said(standalone: Callable[..., Standalone]) -> None:
    program = standalone(env={})

    assert set(program.facts()["pids"]) == {"supervisor", "broker", "worker", "web", "beat", "fake_claude"}
    program.stop()
    assert "simulated" in program.output()
    assert program.belongings() == []


def test_with_a_key_there_is_no_rehearsal_and_the_state_directory_can_come_from_the_environment(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    state = tmp_path / "my state 状态"
    program = standalone(
        started=False, env={"ANTHROPIC_API_KEY": "sk-ant-not-a-real-one", "CPDS_STATE_DIR": str(state)}
    )
    program.without_state_option = True

    program.start()

    assert program.facts()["database_url"] == f"sqlite:///{state / 'db.sqlite3'}"
    assert "fake_claude" not in program.facts()["pids"]
    program.stop()
    assert "simulated" not in program.output()
