"""``workflow diff``."""

import pytest

from tests.support.builders import a_task, a_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def etl(uploaded):
    """Two versions of a workflow."""
    uploaded(a_task("load", seconds=1, run="nap"), a_task("old"), name="etl")
    return uploaded(a_task("load", seconds=2, run="nap"), a_task("new"), name="etl")


def test_versions_differ_line_by_line(run, etl):
    lines = run("workflow", "diff", "etl@1", "etl@2").lines

    assert "~ tasks.load.with.seconds: 1 → 2" in lines
    assert any(line.startswith("+ tasks.new: ") for line in lines)
    assert any(line.startswith("- tasks.old: ") for line in lines)


def test_programs_get_changes(run, etl):
    changes = run("workflow", "diff", f"{etl}@1", "etl", "--json").json

    assert {"kind": "changed", "path": "tasks.load.with.seconds", "before": 1, "after": 2} in changes


def test_a_file_may_stand_for_a_version(run, etl, tmp_path):
    file = tmp_path / "etl.yaml"
    file.write_text(a_workflow(a_task("load", seconds=2, run="nap"), a_task("new"), name="etl"))

    assert run("workflow", "diff", "etl", str(file)).lines == ["They say the same."]


@pytest.mark.parametrize("given", ["etl@9", "nothing", "nothing@1", "etl@0", "@1"])
def test_what_is_not_there_is_exit_code_3(run, etl, given):
    assert run("workflow", "diff", "etl", given).code == 3


def test_a_file_that_is_not_there_is_exit_code_2(run, etl):
    assert run("workflow", "diff", "etl", "nowhere/etl.yaml").code == 2
