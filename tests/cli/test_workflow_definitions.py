"""``workflow validate | upload | list | show | delete | schema``."""

import re

import pytest

from tasks_app.models import Workflow
from tasks_app.states import InstanceState
from tests.cli.moves import end
from tests.cli.screens import Screen
from tests.support.builders import a_chain, a_task, a_workflow

pytestmark = pytest.mark.django_db

BROKEN = "name: etl\ntasks:\n  - name: a\n    run: nooop\n    needs: [b]\n"


@pytest.fixture
def file(tmp_path):
    def written(text, name="etl.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


class TestValidate:
    def test_it_accepts_a_good_workflow_and_stores_nothing(self, run, file):
        ran = run("workflow", "validate", file(a_workflow(*a_chain(3), name="etl")))

        assert (ran.code, ran.out) == (0, "✅ Workflow valid: etl (3 tasks)\n")
        assert not Workflow.objects.exists()

    def test_it_says_so_to_programs(self, run, file):
        ran = run("workflow", "validate", file(a_workflow(a_task(), name="etl")), "--json")

        assert ran.json == {"valid": True, "name": "etl", "task_count": 1, "problems": []}

    def test_every_problem_is_a_line_that_an_editor_can_follow(self, run, file):
        name = file(BROKEN)

        ran = run("workflow", "validate", name)

        assert (ran.code, ran.out) == (2, "")
        *problems, summary = ran.err.splitlines()
        assert [line.partition(": ")[0] for line in problems] == [f"{name}:4:10", f"{name}:5:13"]
        assert problems[0].endswith("(did you mean 'noop'?)")
        assert "2 problem(s)" in summary

    def test_programs_get_the_problems_as_json_and_nothing_else(self, run, file):
        ran = run("workflow", "validate", file(BROKEN), "--json")

        error = ran.json["error"]
        assert (ran.code, ran.err, error["code"]) == (2, "", "invalid_workflow")
        assert [(each["line"], each["column"], each["code"]) for each in error["problems"]] == [
            (4, 10, "unknown_executor"),
            (5, 13, "unknown_task"),
        ]
        assert set(error["problems"][0]) == {"line", "column", "path", "code", "message", "hint"}

    def test_a_file_that_is_too_large_is_refused_by_its_size(self, run, file):
        ran = run("workflow", "validate", file(b"#" * (2 * 1024 * 1024)), "--json")

        assert ran.code == 2
        assert [each["code"] for each in ran.json["error"]["problems"]] == ["too_large"]

    @pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: [", b"", b"- 1", b"a: &x 1"])
    def test_what_is_no_workflow_is_refused_without_a_traceback(self, run, file, content):
        ran = run("workflow", "validate", file(content))

        assert ran.code == 2
        assert "Traceback" not in ran.err

    def test_a_missing_file_is_one_line(self, run, tmp_path):
        ran = run("workflow", "validate", str(tmp_path / "none.yaml"))

        assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
        assert "No such file" in ran.err

    def test_a_directory_is_no_file(self, run, tmp_path):
        ran = run("workflow", "validate", str(tmp_path), "--json")

        assert (ran.code, ran.json["error"]["code"]) == (2, "unusable_input")


class TestUpload:
    def test_it_names_the_id_and_the_version(self, run, file):
        ran = run("workflow", "upload", file(a_workflow(a_task(), name="nightly-etl")))

        assert ran.code == 0
        assert re.fullmatch(r"✅ Workflow uploaded: wf-[0-9a-z]+ \(nightly-etl v1\)\n", ran.out)

    def test_the_same_again_is_said_to_be_unchanged(self, run, file):
        name = file(a_workflow(a_task(), name="etl"))
        run("workflow", "upload", name)

        assert "(etl v1, unchanged)" in run("workflow", "upload", name).out

    def test_a_change_is_the_next_version(self, run, file):
        first = run("workflow", "upload", file(a_workflow(a_task(), name="etl")), "--json").json
        second = run("workflow", "upload", file(a_workflow(*a_chain(2), name="etl")), "--json").json

        assert second == {"id": first["id"], "name": "etl", "version": 2, "task_count": 2, "created": True}

    def test_an_invalid_workflow_is_not_stored(self, run, file):
        assert run("workflow", "upload", file(BROKEN)).code == 2
        assert not Workflow.objects.exists()


class TestList:
    def test_it_is_a_table(self, run, uploaded):
        workflow = uploaded(*a_chain(3), name="nightly-etl")

        heading, row = run("workflow", "list").lines

        assert heading.split() == ["ID", "NAME", "TASKS", "CREATED"]
        assert re.fullmatch(rf"{workflow} +nightly-etl +3 +\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", row)

    def test_the_newest_is_first_and_only_its_newest_version_counts(self, run, uploaded):
        uploaded(a_task(), name="older")
        uploaded(a_task(), name="newer")
        uploaded(*a_chain(4), name="newer")

        rows = run("workflow", "list", "--json").json

        assert [(row["name"], row["version"], row["task_count"]) for row in rows] == [
            ("newer", 2, 4),
            ("older", 1, 1),
        ]

    def test_nothing_is_a_heading_for_people_and_an_empty_list_for_programs(self, run):
        assert run("workflow", "list").out == "ID  NAME  TASKS  CREATED\n"
        assert run("workflow", "list", "--json").json == []


class TestShow:
    def test_it_lists_tasks_with_what_they_need_and_versions(self, run, uploaded):
        uploaded(a_task("extract"), name="etl")
        workflow = uploaded(a_task("extract"), a_task("汇总", needs=["extract"]), name="etl")

        ran = run("workflow", "show", "etl")

        assert f"ID:       {workflow}" in ran.lines
        assert "  汇总     noop  extract" in ran.lines
        assert [line.split()[0] for line in ran.lines[-2:]] == ["2", "1"]

    def test_programs_get_the_definition(self, run, uploaded):
        workflow = uploaded(a_task("extract"), name="etl")

        detail = run("workflow", "show", workflow, "--json").json

        assert (detail["id"], detail["version"]) == (workflow, 1)
        assert [task["name"] for task in detail["tasks"]] == ["extract"]
        assert detail["definition"]["name"] == "etl"

    def test_an_id_may_be_shortened(self, run, uploaded):
        workflow = uploaded(name="etl")

        assert run("workflow", "show", workflow[:9]).code == 0
        assert run("workflow", "show", workflow.removeprefix("wf-")[:6]).code == 0

    def test_an_ambiguous_id_lists_what_it_fits(self, run, uploaded):
        Workflow.objects.filter(public_id=uploaded(name="a")).update(public_id="wf-same1")
        Workflow.objects.filter(public_id=uploaded(name="b")).update(public_id="wf-same2")

        ran = run("workflow", "show", "wf-same")

        assert (ran.code, len(ran.err.splitlines())) == (2, 1)
        assert "wf-same1, wf-same2" in ran.err

    @pytest.mark.parametrize("given", ["wf-nothing", "nothing", "wf-", "", "%"])
    def test_an_unknown_id_is_one_line_and_exit_code_3(self, run, given):
        ran = run("workflow", "show", given)

        assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 1)


class TestDelete:
    def test_it_takes_the_ended_instances_along(self, run, submitted):
        end(submitted(name="etl"), InstanceState.COMPLETED)

        ran = run("workflow", "delete", "etl", "--yes")

        assert ran.code == 0
        assert ran.out.startswith("✅ Workflow deleted: wf-")
        assert "(etl, 1 instance)" in ran.out
        assert not Workflow.objects.exists()

    def test_a_workflow_in_use_stays(self, run, submitted):
        instance = submitted(name="etl")

        ran = run("workflow", "delete", "etl", "--yes")

        assert (ran.code, instance in ran.err) == (1, True)
        assert Workflow.objects.exists()

    def test_programs_get_the_id(self, run, uploaded):
        workflow = uploaded(name="etl")

        assert run("workflow", "delete", "etl", "--json").json == {
            "id": workflow,
            "name": "etl",
            "instances": 0,
        }

    @pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("\n", 1, 1), ("", 1, 1)])
    def test_on_a_terminal_somebody_is_asked(self, run, uploaded, monkeypatch, answer, code, left):
        uploaded(name="etl")
        monkeypatch.setattr("sys.stdin", Screen(answer))

        ran = run("workflow", "delete", "etl")

        assert (ran.code, Workflow.objects.count()) == (code, left)
        assert "Delete etl with 0 instances? [y/N]" in ran.err


def test_the_schema_describes_workflow_files(run):
    schema = run("workflow", "schema").json

    assert schema["$schema"].endswith("2020-12/schema")
    assert {"name", "tasks"} <= set(schema["properties"])
