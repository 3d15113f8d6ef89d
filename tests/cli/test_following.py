"""Events that are committed out of order are neither lost nor repeated."""

import pytest

from tasks_app.cli.instances import follow, wait
from tasks_app.models import Event
from tasks_app.states import InstanceState
from tests.cli.moves import end, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def meanwhile(monkeypatch):
    """Do these things, one between each look and the next."""

    def doing(*steps):
        left = iter(steps)
        monkeypatch.setattr(wait, "rest", lambda _seconds: next(left)())

    return doing


def messages(events):
    return [event.message for event in events if event.kind == "task.log"]


def test_an_event_that_appears_behind_a_newer_one_is_yielded_late(submitted, meanwhile):
    instance = submitted()
    newest = Event.objects.latest("pk").pk
    say(instance, "newer", pk=newest + 10)
    meanwhile(
        lambda: say(instance, "late", pk=newest + 5),
        lambda: end(instance, InstanceState.COMPLETED, seconds=1),
    )

    assert messages(follow.follow_events(instance=instance)) == ["newer", "late"]


def test_no_event_is_yielded_twice(submitted, meanwhile):
    instance = submitted()
    say(instance, "once")
    meanwhile(lambda: None, lambda: None, lambda: end(instance, InstanceState.COMPLETED))

    events = list(follow.follow_events(instance=instance))

    assert (
        len({event.id for event in events})
        == len(events)
        == Event.objects.filter(instance__isnull=False).count()
    )


def test_what_lies_far_behind_is_not_read_again(submitted, meanwhile, monkeypatch):
    monkeypatch.setattr(follow, "OVERLAP", 3)
    instance = submitted()
    for number in range(10):
        say(instance, str(number))
    meanwhile(lambda: end(instance, InstanceState.COMPLETED))

    assert messages(follow.follow_events(instance=instance)) == [str(number) for number in range(10)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_pages_meet_without_a_gap(submitted, monkeypatch, count):
    monkeypatch.setattr(follow, "PAGE", 2)
    instance = submitted()
    for number in range(count):
        say(instance, str(number))

    events = list(follow.events_so_far(instance=instance))

    assert messages(events) == [str(number) for number in range(count)]
