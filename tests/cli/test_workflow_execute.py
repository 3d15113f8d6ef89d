"""``workflow execute``."""

import re

import pytest

from tasks_app.cli.instances import wait
from tasks_app.models import Instance
from tasks_app.states import InstanceState
from tests.cli.moves import end
from tests.support.builders import a_task

pytestmark = pytest.mark.django_db
PARAMS = {"limit": {"type": "integer", "default": 1000, "minimum": 1}, "source": "database"}


@pytest.fixture
def params_file(tmp_path):
    def written(text):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        return str(path)

    return written


def params_of_the_only_instance():
    return Instance.objects.get().params


def test_it_names_the_instance(run, uploaded):
    uploaded(name="etl")

    ran = run("workflow", "execute", "etl")

    assert ran.code == 0
    assert re.fullmatch(r"✅ Instance ID: inst-[0-9a-z]+\n", ran.out)


def test_programs_get_the_ids(run, uploaded):
    workflow = uploaded(name="etl")

    started = run("workflow", "execute", workflow[:8], "--json").json

    assert started == {
        "id": Instance.objects.get().public_id,
        "workflow_id": workflow,
        "workflow_name": "etl",
    }


def test_params_have_the_types_that_the_workflow_declares(run, uploaded):
    uploaded(name="etl", params=PARAMS)

    run("workflow", "execute", "etl", "--param", "limit=5", "--param", "source=a=b")

    assert params_of_the_only_instance() == {"limit": 5, "source": "a=b"}


def test_the_command_line_goes_before_the_file(run, uploaded, params_file):
    uploaded(name="etl", params=PARAMS)

    run(
        "workflow",
        "execute",
        "etl",
        "--param",
        "limit=5",
        "--params-file",
        params_file("limit: 7\nsource: x\n"),
    )

    assert params_of_the_only_instance() == {"limit": 5, "source": "x"}


def test_an_empty_file_gives_no_params(run, uploaded, params_file):
    uploaded(name="etl", params=PARAMS)

    assert run("workflow", "execute", "etl", "--params-file", params_file("# none\n")).code == 0


def test_every_param_of_the_file_that_does_not_fit_is_told_by_its_place(run, uploaded, params_file):
    uploaded(name="etl", params=PARAMS)
    file = params_file("limit: 0\nsauce: x\n")

    ran = run("workflow", "execute", "etl", "--params-file", file)

    first, second, summary = ran.err.splitlines()
    assert ran.code == 2
    assert first.startswith(f"{file}:1:8: params.limit: ")
    assert second.startswith(f"{file}:2:8: params.sauce: ")
    assert second.endswith("(did you mean 'source'?)")
    assert summary.endswith("No instance was started.")
    assert not Instance.objects.exists()


def test_a_param_of_the_command_line_that_does_not_fit_is_told_by_its_name(run, uploaded):
    uploaded(name="etl", params=PARAMS)

    ran = run("workflow", "execute", "etl", "--param", "limit=many")

    assert ran.code == 2
    assert ran.err.splitlines()[0] == "params.limit: expected a whole number, found text 'many'"


@pytest.mark.parametrize("text", ["- 1\n", "just text\n", "a: 1\na: 2\n", "a: [\n", "a: &x 1\nb: *x\n"])
def test_a_file_that_is_no_mapping_is_refused_with_its_problems(run, uploaded, params_file, text):
    uploaded(name="etl")

    ran = run("workflow", "execute", "etl", "--params-file", params_file(text), "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, "invalid_params_file")
    assert ran.json["error"]["problems"]


def test_an_unknown_workflow_is_exit_code_3(run):
    assert run("workflow", "execute", "nothing").code == 3


class TestWait:
    @pytest.fixture
    def ends_meanwhile(self, monkeypatch):
        def as_(state):
            def rest(_seconds):
                end(Instance.objects.get().public_id, state)

            monkeypatch.setattr(wait, "rest", rest)

        return as_

    @pytest.mark.parametrize(
        ("state", "code", "word"),
        [
            (InstanceState.COMPLETED, 0, "Success"),
            (InstanceState.FAILED, 1, "Failed"),
            (InstanceState.CANCELLED, 1, "Terminated"),
        ],
    )
    def test_the_exit_code_tells_how_it_ended(self, run, uploaded, ends_meanwhile, state, code, word):
        uploaded(name="etl")
        ends_meanwhile(state)

        ran = run("workflow", "execute", "etl", "--wait")

        assert ran.code == code
        assert ran.lines[0].startswith("✅ Instance ID: inst-")
        assert f"Status:   {word}" in ran.lines

    def test_programs_get_the_final_state_alone(self, run, uploaded, ends_meanwhile):
        uploaded(a_task("extract"), name="etl")
        ends_meanwhile(InstanceState.FAILED)

        ran = run("workflow", "execute", "etl", "--wait", "--json")

        assert (ran.code, ran.json["id"], ran.json["status"]) == (
            1,
            Instance.objects.get().public_id,
            "failed",
        )

    def test_a_timeout_alone_waits_too(self, run, uploaded):
        uploaded(name="etl")

        ran = run("workflow", "execute", "etl", "--timeout", "0")

        assert ran.code == 4
        assert f"Instance {Instance.objects.get().public_id} is still running after 0s." in ran.err
