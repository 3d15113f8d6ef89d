"""``manage.py listener``: what operators see, and going on after failures."""

import pytest

from cpds.base import clock
from tasks_app.canvas import publish
from tasks_app.models import Delivery, Event, Listener
from tasks_app.planning.values.event_names import kinds_wanted
from tests.support.builders import a_task
from tests.support.engine import an_instance
from tests.support.listeners_for_tests import Careless

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


def a_listener_at_its_first_event(**more):
    parked = a_parked_delivery(**more)
    event = Event.objects.filter(instance=parked.instance, kind__in=kinds_wanted(Careless.events)).first()
    return parked, event


def test_it_shows_which_event_is_not_heard(run, rung):
    parked, event = a_listener_at_its_first_event()

    (row,) = run("listener", "failures", "careless", "--json").json

    assert (row["instance_id"], row["parked"], row["failures"]) == (parked.instance.public_id, True, 10)
    assert (row["event_id"], row["kind"]) == (event.pk, event.kind)
    assert "RuntimeError: no" in run("listener", "failures", "careless").out


def test_an_event_is_given_up_and_the_next_is_told(run, rung):
    parked, event = a_listener_at_its_first_event()
    rung.clear()

    ran = run("listener", "skip", "careless", "--instance", parked.instance.public_id)

    parked.refresh_from_db()
    assert f"never hears {event.kind}" in ran.out
    assert (parked.delivered_event_id, parked.is_parked, parked.failures) == (event.pk, False, 0)
    assert rung == [("careless", parked.instance_id)]


def test_where_nothing_fails_nothing_is_given_up(run, rung):
    instance = an_instance(a_task("only"))

    ran = run("listener", "skip", "careless", "--instance", instance.public_id)

    assert (ran.code, "fails at nothing" in ran.out) == (0, True)


def test_what_is_being_told_is_not_given_up(run, rung):
    parked, _ = a_listener_at_its_first_event()
    Delivery.objects.filter(pk=parked.pk).update(lease_expires_at=clock.database_now_plus(60))

    ran = run("listener", "skip", "careless", "--instance", parked.instance.public_id)

    assert "fails at nothing" in ran.out


def test_retry_of_one_instance_leaves_the_others(run, rung):
    one, other = a_parked_delivery(), a_parked_delivery()

    run("listener", "retry", "careless", "--instance", one.instance.public_id)

    assert list(Delivery.objects.filter(is_parked=True)) == [other]


@pytest.mark.parametrize(
    "line",
    [
        ("skip", "nobody", "--instance", "inst-x"),
        ("failures", "nobody"),
        ("skip", "careless", "--instance", "inst-nothing"),
    ],
)
def test_what_nobody_knows_is_said_so(run, rung, line):
    ran = run("listener", *line)

    assert ran.code == 3
    assert "manage.py" in ran.err
