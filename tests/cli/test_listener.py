"""``manage.py listener``: what operators see, and going on after failures."""

import pytest

from tasks_app.canvas import publish
from tasks_app.models import Delivery, Listener
from tests.support.builders import a_task
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(settings, monkeypatch):
    bells = []
    monkeypatch.setattr(publish, "ring_listener", lambda *bell: bells.append(bell) or True)
    settings.CPDS = {**settings.CPDS, "listeners": ["tests.support.listeners_for_tests.Careless"]}
    return bells


def a_parked_delivery(name="careless"):
    Listener.objects.get_or_create(pk=name)
    return Delivery.objects.create(
        listener_id=name,
        instance=an_instance(a_task("only")),
        due_event_id=10**6,
        failures=10,
        is_parked=True,
        last_error="RuntimeError: no",
    )


def test_it_lists_who_listens_and_who_is_stuck(run, rung):
    a_parked_delivery()
    a_parked_delivery("gone")

    (careless, gone) = run("listener", "list", "--json").json

    assert (careless["name"], careless["configured"], careless["parked"]) == ("careless", True, 1)
    assert careless["last_error"] == "RuntimeError: no"
    assert (gone["name"], gone["configured"]) == ("gone", False)


def test_people_see_a_table(run, rung):
    a_parked_delivery()

    heading, line = run("listener", "list").lines

    assert heading.split()[:2] == ["LISTENER", "STATE"]
    assert line.split()[:2] == ["careless", "parked"]


def test_retry_rings_at_once(run, rung):
    parked = a_parked_delivery()
    rung.clear()

    ran = run("listener", "retry", "careless")

    assert ran.out == "careless is told again of 1 instance.\n"
    assert rung == [("careless", parked.instance_id)]
    parked.refresh_from_db()
    assert (parked.is_parked, parked.failures) == (False, 0)


def test_a_listener_that_nobody_knows_is_said_so(run, rung):
    ran = run("listener", "retry", "nobody")

    assert ran.code == 3
    assert "nobody" in ran.err
