"""``instance pause``, ``resume``, ``cancel``, ``retry`` and ``rerun``: one instance, or many."""

import getpass
import sys

import pytest

from tasks_app.models import Event, Instance
from tasks_app.services.submit.instances import submit_instance
from tasks_app.states import InstanceState
from tests.cli.moves import end
from tests.cli.screens import Screen
from tests.support.builders import a_chain

pytestmark = pytest.mark.django_db


def state(instance):
    return Instance.objects.get(public_id=instance).status


def answers(monkeypatch, text):
    """Let somebody sit at a terminal who types this."""
    monkeypatch.setattr(sys, "stdin", Screen(text))


class TestOne:
    def test_it_pauses_and_notes_who_why_and_until(self, run, submitted):
        instance = submitted()

        ran = run("instance", "pause", instance, "--by", "ann", "--reason", "lunch", "--until", "2h")

        row = Instance.objects.get(public_id=instance)
        assert (ran.code, ran.lines) == (0, [f"✅ Instance paused: {instance}"])
        assert (row.status, row.pause_reason) == ("paused", "lunch")
        assert 7100 < (row.paused_until - row.created_at).total_seconds() < 7300
        event = Event.objects.get(instance=row, kind="instance.paused")
        assert (event.message, event.data) == ("lunch", {"by": "ann", "via": "cli"})

    def test_whoever_runs_the_command_is_who_decides(self, run, submitted):
        instance = submitted()

        run("instance", "pause", instance)

        event = Event.objects.get(instance__public_id=instance, kind="instance.paused")
        assert event.data == {"by": getpass.getuser(), "via": "cli"}

    def test_a_time_is_one_in_utc_unless_it_has_a_zone(self, run, submitted):
        first, second = submitted(name="one"), submitted(name="two")

        run("instance", "pause", first, "--until", "2099-01-31T18:00")
        run("instance", "pause", second, "--until", "2099-01-31T18:00+08:00")

        hours = [Instance.objects.get(public_id=each).paused_until.hour for each in (first, second)]
        assert hours == [18, 10]

    @pytest.mark.parametrize(("given", "said"), [("2001-01-01", "is over"), ("soon", "is no time")])
    def test_a_time_that_is_none_or_over_is_a_wrong_usage(self, manage, given, said):
        ran = manage("instance", "pause", "inst-x", "--until", given)

        assert ran.code == 2
        assert said in ran.err

    def test_it_resumes(self, run, submitted):
        instance = submitted()
        run("instance", "pause", instance)

        assert run("instance", "resume", instance).lines == [f"✅ Instance resumed: {instance}"]
        assert state(instance) == "running"

    def test_it_cancels(self, run, submitted):
        instance = submitted()

        ran = run("instance", "cancel", instance, "--json")

        assert (ran.code, ran.json["status"]) == (0, "cancelled")

    def test_it_retries(self, run, submitted):
        instance = submitted()
        end(instance, InstanceState.FAILED)

        run("instance", "retry", instance)

        assert Event.objects.filter(instance__public_id=instance, kind="instance.running").count() == 2

    def test_what_the_state_forbids_is_exit_code_1_and_one_line(self, run, submitted):
        instance = submitted()

        ran = run("instance", "resume", instance)

        assert (ran.code, ran.out) == (1, "")
        assert ran.err == f"Instance {instance} is running and cannot become running.\n"

    def test_an_unknown_instance_is_exit_code_3(self, run, db):
        assert run("instance", "cancel", "inst-nothing").code == 3

    @pytest.mark.parametrize("verb", ["pause", "cancel"])
    def test_drain_and_now_exclude_each_other(self, manage, verb):
        assert manage("instance", verb, "inst-x", "--drain", "--now").code == 2

    @pytest.mark.parametrize("given", [(), ("inst-x", "--workflow", "w"), ("inst-x", "--dry-run")])
    def test_an_id_or_a_choice_is_given_and_not_both(self, run, db, given):
        assert run("instance", "cancel", *given).code == 2


class TestRerun:
    def test_it_starts_a_new_instance_from_the_task(self, run, submitted):
        origin = submitted(*a_chain(2))
        run("instance", "cancel", origin)

        ran = run("instance", "rerun", origin, "--from", "link-0", "--json")

        new = Instance.objects.get(public_id=ran.json["id"])
        assert ran.json == {"id": new.public_id, "origin_id": origin, "from": "link-0"}
        assert new.origin.public_id == origin

    @pytest.mark.parametrize(("version", "code"), [("latest", 0), ("1", 0), ("9", 3), ("new", 2)])
    def test_it_takes_another_version(self, run, submitted, version, code):
        origin = submitted(*a_chain(2))
        run("instance", "cancel", origin)

        assert run("instance", "rerun", origin, "--from", "link-1", "--version", version).code == code

    @pytest.mark.parametrize(("version", "limit"), [((), 10), (("--version", "latest"), "10")])
    def test_params_have_the_types_of_the_version_that_is_rerun(self, run, uploaded, version, limit):
        workflow = uploaded(*a_chain(2), name="typed", params={"limit": {"type": "integer", "default": 1}})
        origin = submit_instance(workflow=workflow)
        uploaded(*a_chain(2), name="typed", params={"limit": {"type": "string", "default": "1"}})
        run("instance", "cancel", origin)

        run("instance", "rerun", origin, "--from", "link-0", "--param", "limit=10", *version)

        assert Instance.objects.get(origin__public_id=origin).params == {"limit": limit}

    def test_origin_and_rerun_are_shown_side_by_side(self, run, submitted):
        origin = submitted(*a_chain(2))
        run("instance", "cancel", origin)
        new = run("instance", "rerun", origin, "--from", "link-1", "--json").json["id"]

        shown = run("instance", "compare", origin, new)
        answer = run("instance", "compare", origin, new, "--json").json

        assert any("link-1" in line and "cancelled" in line for line in shown.lines)
        assert [each["name"] for each in answer["tasks"]] == ["link-0", "link-1"]
        assert run("instance", "compare", origin, "nothing").code == 3

    def test_an_unknown_task_is_exit_code_3(self, run, submitted):
        origin = submitted()
        run("instance", "cancel", origin)

        assert run("instance", "rerun", origin, "--from", "nothing").code == 3

    def test_an_unfinished_instance_is_refused(self, run, submitted):
        assert run("instance", "rerun", submitted(), "--from", "a-task").code == 1


@pytest.fixture
def failures(submitted):
    """Twenty-two instances of one workflow that failed long ago, and one of another."""
    found = [submitted(name="etl") for _ in range(22)]
    for each in [*found, submitted(name="other")]:
        end(each, InstanceState.FAILED)
    return found


class TestMany:
    CHOICE = ("--workflow", "etl", "--status", "failed", "--older-than", "2d")

    def test_a_dry_run_only_shows(self, run, failures):
        ran = run("instance", "cancel", *self.CHOICE, "--dry-run")

        assert ran.lines[0] == "To cancel: 22 instances"
        assert [line.split()[0] for line in ran.lines[2:22]] == failures[:20]
        assert ran.lines[22:] == ["… and 2 more"]
        assert {state(each) for each in failures} == {"failed"}

    def test_nobody_to_ask_is_a_refusal(self, run, failures):
        ran = run("instance", "cancel", *self.CHOICE)

        assert ran.code == 2
        assert "say --yes" in ran.err
        assert {state(each) for each in failures} == {"failed"}

    def test_it_does_what_somebody_agreed_to(self, run, failures, monkeypatch):
        answers(monkeypatch, "y\n")

        ran = run("instance", "cancel", *self.CHOICE, screen=True)

        assert ran.code == 0
        assert "Cancel 22 instances? [y/N]" in ran.err
        assert "Cancelled: 22 instances" in ran.out
        assert {state(each) for each in failures} == {"cancelled"}

    def test_it_does_nothing_when_somebody_does_not_agree(self, run, failures, monkeypatch):
        answers(monkeypatch, "\n")

        ran = run("instance", "cancel", *self.CHOICE, screen=True)

        assert ran.code == 1
        assert "Nothing was cancelled." in ran.err
        assert {state(each) for each in failures} == {"failed"}

    def test_programs_get_what_was_done(self, run, failures):
        ran = run("instance", "cancel", *self.CHOICE, "--yes", "--json")

        assert ran.json == {"cancelled": failures, "refused": []}

    def test_programs_get_what_would_be_done(self, run, failures):
        ran = run("instance", "cancel", *self.CHOICE, "--dry-run", "--json")

        assert ran.json == {"dry_run": True, "count": 22, "instances": failures}

    def test_refusals_are_told_and_are_exit_code_1(self, run, submitted):
        running, over = submitted(name="etl"), submitted(name="etl")
        end(over, InstanceState.COMPLETED)

        ran = run("instance", "cancel", "--workflow=etl", "--status=completed", "--yes")

        assert ran.code == 1
        assert "Refused: 1 instance" in ran.err
        assert f"Instance {over} is completed and cannot become cancelled." in ran.err
        assert state(running) == "running"

    def test_nothing_that_fits_is_no_failure(self, run, submitted):
        submitted(name="etl")

        ran = run("instance", "resume", "--workflow", "etl")

        assert (ran.code, ran.lines) == (0, ["No instance fits."])


class TestPrune:
    def test_it_asks_before_it_deletes(self, run, failures, monkeypatch):
        answers(monkeypatch, "yes\n")

        ran = run("instance", "prune", "--older-than", "30d", "--workflow", "etl", screen=True)

        assert "Delete 22 instances with all tasks, records and events? [y/N]" in ran.err
        assert "Pruned: 22 instances" in ran.out
        assert Instance.objects.count() == 1

    def test_a_dry_run_only_shows(self, run, failures):
        ran = run("instance", "prune", "--older-than", "30d", "--dry-run", "--json")

        assert ran.json["count"] == 23
        assert Instance.objects.count() == 23

    def test_without_a_terminal_it_wants_yes(self, run, failures):
        assert run("instance", "prune", "--older-than", "30d").code == 2
        assert Instance.objects.count() == 23

        assert len(run("instance", "prune", "--older-than", "30d", "--yes", "--json").json["pruned"]) == 23
        assert not Instance.objects.exists()

    def test_the_age_must_be_said(self, manage):
        assert manage("instance", "prune").code == 2
