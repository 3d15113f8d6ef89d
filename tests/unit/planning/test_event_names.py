"""Which names an event answers to, and how long a listener is left alone after failures."""

import pytest

from tasks_app.planning.values.event_names import backoff_seconds, kinds_wanted, name_heard, names_of


@pytest.mark.parametrize(
    ("kind", "data", "ran_before", "name"),
    [
        ("instance.running", {}, False, "workflow.started"),
        ("instance.running", {}, True, "workflow.resumed"),
        ("instance.completed", {}, True, "workflow.completed"),
        ("instance.failed", {}, True, "workflow.failed"),
        ("instance.paused", {}, True, "workflow.paused"),
        ("instance.cancelled", {}, True, "workflow.terminated"),
        ("instance.compensated", {}, True, "workflow.terminated"),
        ("task.running", {}, True, "task.started"),
        ("task.completed", {}, True, "task.success"),
        ("task.failed", {"kind": "exit_code"}, True, "task.failed"),
        ("task.failed", {"kind": "timeout"}, True, "task.timeout"),
        ("task.waiting", {"kind": "timeout", "seconds": 5}, True, "task.retrying"),
        ("task.waiting", {}, True, "task.waiting"),
        ("task.log", {}, True, "task.log"),
    ],
)
def test_an_event_has_its_most_telling_name_first(kind, data, ran_before, name):
    names = names_of(kind, data, ran_before=ran_before)

    assert names[0] == name
    assert names[-1] == kind
    assert kind in kinds_wanted([name])


def test_a_listener_of_failures_hears_of_timeouts_under_their_own_name():
    names = names_of("task.failed", {"kind": "timeout"}, ran_before=True)

    assert name_heard(names, {"task.failed"}) == "task.timeout"


def test_a_listener_of_timeouts_hears_of_no_other_failure():
    assert name_heard(names_of("task.failed", {}, ran_before=True), {"task.timeout"}) is None


def test_each_failure_doubles_the_wait_up_to_the_longest():
    waits = [backoff_seconds(failures=n, first=5, longest=60, asked=None) for n in (1, 2, 3, 4, 5, 500)]

    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_server_may_ask_for_a_longer_wait():
    assert backoff_seconds(failures=1, first=5, longest=60, asked=90) == 90
    assert backoff_seconds(failures=4, first=5, longest=60, asked=1) == 40
