"""What a machine can do is what is found on it and what its operator declares."""

import os
import stat

import pytest

from workers_app.fleet import abilities
from workers_app.fleet.abilities import capabilities_here, labels_here, tools_here


@pytest.fixture
def machine(tmp_path, monkeypatch, settings):
    """A machine with these programs: ``machine(git="echo git version 2.39.5")``."""

    def machine(**programs):
        for name, script in programs.items():
            program = tmp_path / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))

    settings.CPDS = {**settings.CPDS, "claude_api_key": "", "rehearsal_url": "", "capabilities": []}
    machine.set = lambda **changed: setattr(settings, "CPDS", {**settings.CPDS, **changed})
    return machine


def test_python_is_always_there(machine):
    machine()

    assert capabilities_here() == ["python"]
    assert list(tools_here()) == ["python"]


def test_programs_that_are_found_are_capabilities(machine):
    machine(git="", node="", docker="", nvidia_smi="", sh="")

    assert capabilities_here() == ["docker", "git", "gpu", "node", "python", "shell"]


@pytest.mark.parametrize("known", ["claude_api_key", "rehearsal_url"])
def test_claude_is_one_with_a_key_or_a_rehearsal(machine, known):
    machine()
    machine.set(**{known: "something"})

    assert "claude" in capabilities_here()


def test_declared_ones_are_added(machine):
    machine(git="")
    machine.set(capabilities=["fpga", "git"])

    assert capabilities_here() == ["fpga", "git", "python"]


def test_labels_are_names_and_values(machine):
    machine.set(labels=["zone=north", "spare", " rack = 7=b "])

    assert labels_here() == {"zone": "north", "spare": "", "rack": "7=b"}


def test_tools_have_their_versions(machine):
    machine(
        git="echo git version 2.39.5",
        node="echo v20.11.1",
        docker="echo 'Docker version 26.1.3, build b72abbb'",
        nvidia_smi="echo NVIDIA H100",
    )

    tools = tools_here()

    assert (tools["git"], tools["node"], tools["docker"]) == ("2.39.5", "20.11.1", "26.1.3")
    assert tools["gpu"] == "NVIDIA H100"


@pytest.mark.parametrize("script", ["exit 1", f"exec {os.sys.executable} -c 'import time; time.sleep(60)'"])
def test_a_tool_that_fails_or_hangs_has_no_version(machine, monkeypatch, script):
    monkeypatch.setattr(abilities, "PATIENCE_SECONDS", 0.3)
    machine(git=script)

    assert tools_here()["git"] == ""
