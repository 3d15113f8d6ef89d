"""Which listeners the settings name, and what is said about those that cannot be used."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from tests.support.listeners_for_tests import Careless, ToFile
from workers_app.checks import check_listeners
from workers_app.listeners import registry as room
from workers_app.listeners.contract import EventListener
from workers_app.listeners.registry import make_registry, registry

HERE = "tests.support.listeners_for_tests"
SECRET = "correct-horse-battery-staple"


def problem_of(entry):
    found = make_registry([entry])
    assert not found.listeners
    (problem,) = found.problems
    return str(problem)


def test_a_dotted_path_is_enough():
    (registered,) = make_registry([f"{HERE}.Careless"]).listeners.values()

    assert registered.name == "careless"
    assert isinstance(registered.listener, Careless)
    assert isinstance(registered.listener, EventListener)


def test_an_entry_may_give_options_a_name_and_events():
    entry = {
        "listener": f"{HERE}.ToFile",
        "name": "mine",
        "events": ["task.log"],
        "options": {"path": "x"},
    }

    found = make_registry([entry])

    assert found.wishes == {"mine": frozenset({"task.log"})}
    assert isinstance(found.listeners["mine"].listener, ToFile)


def test_the_built_in_ones_go_by_their_names():
    found = make_registry(
        [
            {"listener": "webhook", "options": {"url": "https://example.com", "secret": SECRET}},
            {"listener": "email", "options": {"to": "ops@example.com"}},
        ]
    )

    assert sorted(found.listeners) == ["email", "webhook"]
    assert not found.problems


@pytest.fixture
def a_plugin(monkeypatch):
    point = EntryPoint(name="plugged", value=f"{HERE}:Careless", group=room.ENTRY_POINTS)
    monkeypatch.setattr(room, "entry_points", lambda **wanted: EntryPoints([point]).select(**wanted))


def test_an_entry_point_is_loaded_when_the_settings_name_it(a_plugin):
    assert sorted(make_registry(["plugged"]).listeners) == ["careless"]


def test_an_entry_point_that_they_do_not_name_is_not(a_plugin):
    assert make_registry([]).listeners == {}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("nowhere.to.be.Found", "cannot be imported"),
        (f"{HERE}.Missing", "cannot be imported"),
        ("slack", "known: email, webhook"),
        (7, "expected a dotted path"),
        ({"listener": "webhook", "option": {}}, "unknown keys (option)"),
        ({"listener": "webhook", "options": {"url": "https://example.com"}}, "expected a secret"),
        ({"listener": "webhook", "options": {"adress": SECRET}}, "its options do not fit"),
        ({"listener": f"{HERE}.EVERYTHING"}, "no method deliver"),
        ({"listener": f"{HERE}.Careless", "events": "task.log"}, "no list of event names"),
        ({"listener": f"{HERE}.Careless", "name": "x" * 101}, "1 to 100 characters"),
    ],
)
def test_what_cannot_be_used_is_said(entry, said):
    problem = problem_of(entry)

    assert said in problem
    assert SECRET not in problem


def test_two_of_one_name_are_a_problem():
    found = make_registry([f"{HERE}.Careless", f"{HERE}.Careless"])

    assert sorted(found.listeners) == ["careless"]
    assert "give it a name of its own" in str(found.problems[0])


def test_the_system_check_reports_them(settings):
    settings.CPDS = {"listeners": ["nowhere.to.be.Found"]}

    (message,) = check_listeners()

    assert message.id == "cpds.E201"
    assert "nowhere.to.be.Found" in message.msg
    assert "CPDS_LISTENERS" in message.hint


def test_the_system_check_warns_of_events_that_do_not_exist(settings):
    settings.CPDS = {"listeners": [{"listener": f"{HERE}.Careless", "events": ["workflow.finished"]}]}

    (message,) = check_listeners()

    assert message.id == "cpds.W202"
    assert "workflow.finished" in message.msg


def test_a_broken_listener_leaves_the_others_in_force(settings):
    settings.CPDS = {"listeners": ["nowhere.to.be.Found", f"{HERE}.Careless"]}

    assert sorted(registry().listeners) == ["careless"]


def test_new_settings_are_read_anew(settings):
    settings.CPDS = {"listeners": [f"{HERE}.Careless"]}
    assert sorted(registry().listeners) == ["careless"]

    settings.CPDS = {}

    assert registry().listeners == {}
