"""Commands as processes of their own: pipes, standard input, exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import load_command_class

from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_chain, a_task, a_workflow
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

WORKFLOW = a_workflow(*a_chain(2), name="etl").encode()


@pytest.fixture
def on_test_database(database_url):
    """Commands and this process see the same committed rows."""


@pytest.fixture
def heeded_ctrl_c():
    """Have what is started here heed Ctrl-C, which the children of a suite run in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("on_test_database")
class TestOnPipes:
    def test_a_workflow_comes_from_standard_input_and_its_id_goes_on(self, manage):
        workflow = manage("workflow", "upload", "-", "--json", stdin=WORKFLOW).json["id"]

        started = manage("workflow", "execute", workflow, "--json")

        assert started.code == 0
        assert started.json["id"].startswith("inst-")
        assert [row["id"] for row in manage("instance", "list", "--json").json] == [started.json["id"]]

    def test_nothing_that_is_piped_holds_an_escape(self, manage):
        instance = submit_instance(workflow=upload_workflow(source=WORKFLOW).workflow_id)

        for argv in (["workflow", "list"], ["instance", "status", instance], ["instance", "status", "no"]):
            ran = manage(*argv)
            assert "\x1b" not in ran.out + ran.err

    def test_problems_in_standard_input_are_told_by_its_name(self, manage):
        ran = manage("workflow", "validate", "-", stdin=b"name: etl\ntasks: []\n")

        assert ran.code == 2
        assert ran.err.startswith("<stdin>:2:")

    def test_a_stream_without_end_is_read_no_further_than_needed(self):
        with Path("/dev/zero").open("rb") as endless:
            done = subprocess.run(
                [sys.executable, "manage.py", "workflow", "validate", "-", "--json"],
                cwd=ROOT,
                stdin=endless,
                stdout=subprocess.PIPE,
                check=False,
                timeout=60,
            )

        assert done.returncode == 2
        assert json.loads(done.stdout)["error"]["problems"][0]["code"] == "too_large"

    def test_the_unknown_is_exit_code_3_and_one_line(self, manage):
        ran = manage("instance", "status", "inst-nothing")

        assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 1)

    def test_bytes_that_are_no_text_are_a_usage_error(self, manage):
        ran = manage("instance", "status", os.fsdecode(b"inst-\xff"))

        assert (ran.code, ran.out) == (2, "")
        assert "Traceback" not in ran.err

    def test_a_stream_that_cannot_show_a_symbol_gets_its_number(self, manage):
        ran = manage("workflow", "validate", "-", stdin=WORKFLOW, env={"PYTHONIOENCODING": "ascii"})

        assert (ran.code, ran.out) == (0, "\\u2705 Workflow valid: etl (2 tasks)\n")

    def test_a_reader_that_leaves_early_is_no_error_to_tell_of(self):
        submit_instance(workflow=upload_workflow(source=WORKFLOW).workflow_id)
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "wb") as nobody_reads:
            for argv in (["instance", "list"], ["workflow", "schema"]):
                done = subprocess.run(
                    [sys.executable, "manage.py", *argv],
                    cwd=ROOT,
                    stdout=nobody_reads,
                    stderr=subprocess.PIPE,
                    check=False,
                    timeout=60,
                )
                assert done.stderr == b""

    def test_ctrl_c_stops_following(self, heeded_ctrl_c):
        instance = submit_instance(workflow=upload_workflow(source=WORKFLOW).workflow_id)
        with subprocess.Popen(
            [sys.executable, "manage.py", "instance", "logs", instance, "--follow"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert b"instance.running" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)

        assert (process.returncode, err) == (130, b"Interrupted.\n")


class TestUsage:
    @pytest.mark.parametrize(
        "argv",
        [
            ("workflow",),
            ("workflow", "burn"),
            ("workflow", "upload"),
            ("instance", "list", "--limit", "0"),
            ("instance", "list", "--bogus"),
            ("instance", "wait", "inst-1", "--timeout", "soon"),
        ],
        ids=" ".join,
    )
    def test_a_wrong_command_line_is_exit_code_2(self, manage, argv):
        ran = manage(*argv)

        assert (ran.code, ran.out) == (2, "")
        assert "error: " in ran.err

    def test_programs_read_of_it_on_standard_output(self, manage):
        ran = manage("instance", "list", "--bogus", "--json")

        assert (ran.code, ran.err, ran.json["error"]["code"]) == (2, "", "usage")
        assert ran.json["error"]["message"] == "unrecognized arguments: --bogus"

    @pytest.mark.parametrize("command", ["workflow", "instance"])
    def test_every_help_ends_with_examples(self, command, capsys):
        loaded = load_command_class("tasks_app", command)
        for verb in ("", *(each.name for each in loaded.verbs)):
            parser = loaded.create_parser("manage.py", command)
            with pytest.raises(SystemExit) as stopped:
                parser.parse_args([verb, "--help"] if verb else ["--help"])
            examples = capsys.readouterr().out.partition("\nexamples:\n")[2].splitlines()
            assert (stopped.value.code, bool(examples)) == (0, True)
            assert all(each.startswith(f"  python manage.py {command} {verb}") for each in examples)

    def test_the_help_of_a_verb_shows_how_it_is_used(self, manage):
        ran = manage("workflow", "execute", "--help")

        assert ran.code == 0
        assert ran.lines[-1].startswith("  python manage.py workflow execute nightly-etl --param")


class TestDatabases:
    @pytest.mark.parametrize("flags", [(), ("--json",)])
    def test_a_database_without_tables_asks_for_migrate(self, manage, tmp_path, flags):
        ran = manage("workflow", "list", *flags, env={"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"})

        assert ran.code == 1
        assert "Run `manage.py migrate` first." in (ran.json["error"]["message"] if flags else ran.err)
        assert len(ran.err.splitlines()) == (0 if flags else 1)

    def test_a_database_that_cannot_be_reached_is_one_line(self, manage):
        ran = manage("workflow", "list", env={"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"})

        assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 1)
        assert ran.err.startswith("The database cannot be used: ")

    def test_a_workflow_is_validated_without_a_database(self, manage, tmp_path):
        ran = manage(
            "workflow", "validate", "-", stdin=WORKFLOW, env={"DATABASE_URL": f"sqlite:///{tmp_path}/none/x"}
        )

        assert ran.code == 0


@pytest.mark.broker
def test_waiting_ends_with_the_work_of_a_real_worker(manage, celery_worker_process):
    celery_worker_process()
    upload_workflow(source=WORKFLOW)
    upload_workflow(source=a_workflow(a_task("bad", run="fail", message="as told"), name="bad").encode())

    good = manage("workflow", "execute", "etl", "--wait", "--json", "--timeout", "60")
    bad = manage("workflow", "execute", "bad", "--wait", "--timeout", "60")

    assert (good.code, good.json["status"]) == (0, "completed")
    assert bad.code == 1
    assert "Status:   Failed" in bad.lines
    wait_until(lambda: manage("instance", "list", "--status", "running", "--json").json == [])
    history = manage("instance", "history", "bad", "--status=Failed").lines
    assert "as told" in history[1]
