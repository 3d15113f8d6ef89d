"""``manage.py verify``."""

import pytest

from tasks_app.models import Event, Instance
from tests.support.builders import a_chain

pytestmark = pytest.mark.django_db


def test_a_sound_history_is_exit_code_0(run, submitted):
    submitted(*a_chain(2))

    ran = run("verify")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("✅ Sound: 1 instances, 2 tasks, ")


def test_a_violation_is_a_line_and_exit_code_1(run, submitted):
    instance = submitted(*a_chain(2))
    event = Event.objects.create(
        instance=Instance.objects.get(public_id=instance), kind="instance.paused", message=""
    )

    ran = run("verify", instance)

    assert ran.code == 1
    assert ran.lines[0].startswith(f"❌ {instance}: unrecorded_move: it is running, and by its events paused")
    assert ran.lines[-1].startswith("❌ 1 violations in 1 instances")
    assert event.pk


def test_programs_get_the_same(run, submitted):
    instance = submitted(*a_chain(2))
    Event.objects.create(instance=Instance.objects.get(public_id=instance), kind="instance.compensated")

    ran = run("verify", "--json")

    assert ran.code == 1
    assert (ran.json["sound"], ran.json["violations"]) == (False, 2)
    assert {each["rule"] for each in ran.json["found"]} == {"illegal_move", "unrecorded_move"}
    assert all(each["instance"] == instance for each in ran.json["found"])


def test_an_unknown_instance_is_exit_code_3(run, db):
    assert run("verify", "inst-nothing").code == 3
