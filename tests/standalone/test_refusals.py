"""What cannot be done is said in one line, and nothing is started."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.standalone.program import Standalone


def refusal(program: Standalone) -> str:
    """Return the one line with which a program refused to start."""
    assert program.wait_for_exit() == 2, program.errors()
    assert program.belongings() == []
    (line,) = program.errors().splitlines()
    return line


def test_a_state_directory_in_use(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    first = standalone()
    second = Standalone("--port", "0", state=first.state, directory=tmp_path / "elsewhere")
    second.out.parent.mkdir()

    second.start(wait=False)

    assert second.wait_for_exit() == 2
    (line,) = second.errors().splitlines()
    assert str(first.state) in line
    assert f"process {first.pid}" in line
    assert first.is_running
    assert first.facts()["pids"]["supervisor"] == first.pid


def test_a_port_in_use(standalone: Callable[..., Standalone]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        line = refusal(standalone("--port", port, wait=False))

    assert port in line
    assert "--port 0" in line


def test_an_address_of_another_machine(standalone: Callable[..., Standalone]) -> None:
    line = refusal(standalone("--host", "192.0.2.1", wait=False))

    assert "192.0.2.1" in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.parametrize("key", ["", "short"])
def test_a_server_for_other_machines_without_a_key_of_its_own(
    standalone: Callable[..., Standalone], host: str, key: str
) -> None:
    line = refusal(standalone("--host", host, wait=False, env={"SECRET_KEY": key} if key else None))

    assert "SECRET_KEY" in line
    assert ("too short" if key else "not set") in line


def test_a_state_directory_that_is_a_file(standalone: Callable[..., Standalone], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")

    line = refusal(standalone(name="file", wait=False))

    assert str(tmp_path / "file") in line


def test_a_state_directory_that_others_write_to(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)

    line = refusal(standalone(name="shared", wait=False))

    assert "others" in line


def test_a_workflow_file_that_is_not_there(standalone: Callable[..., Standalone]) -> None:
    line = refusal(standalone("--execute", "no such file.yaml", wait=False))

    assert "no such file.yaml" in line


def test_cloud_mode(standalone: Callable[..., Standalone]) -> None:
    cloud = {
        "CPDS_MODE": "cloud",
        "SECRET_KEY": "s" * 60,
        "DATABASE_URL": "postgres://localhost:1/none",
        "CPDS_BROKER_URL": "redis://localhost:1",
    }

    line = refusal(standalone(env=cloud, wait=False))

    assert "CPDS_MODE" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "65536"],
        ["--port", "-1"],
        ["--concurrency", "0"],
        ["--grace", "-1"],
        ["--grace", "nan"],
        ["--param", "a=1"],
        ["--json"],
        ["--execute", "x.yaml", "--param", "novalue"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense(
    standalone: Callable[..., Standalone], arguments: list[str]
) -> None:
    program = standalone(*arguments, wait=False)

    assert program.wait_for_exit() == 2
    assert "usage:" in program.errors()


def test_settings_that_cannot_work(standalone: Callable[..., Standalone]) -> None:
    line = refusal(standalone(env={"CPDS_LEASE_SECONDS": "5", "CPDS_RENEW_SECONDS": "4"}, wait=False))

    assert line.startswith("cpds.E002")
