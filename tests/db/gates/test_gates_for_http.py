"""Gates of tasks for workers over HTTP are judged when one asks, if nobody else is there to judge them."""

import pytest

from tasks_app.errors import NotOffered
from tasks_app.models import Checkpoint, Project
from tasks_app.services.explain.holds import HoldKind
from tasks_app.services.explain.why import why_waiting
from tasks_app.services.gates.approvals import approve
from tasks_app.services.http_workers import gates_for_http
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.http_workers.offers import pending
from tasks_app.states import TaskState
from tests.support.builders import a_task
from tests.support.engine import an_instance, assert_history_is_sound, task

pytestmark = pytest.mark.django_db


def ask():
    return [each.name for each in pending(project=Project.objects.default())]


def outside(name, **also):
    return {"name": name, "run": "external", **also}


def test_a_condition_is_judged_when_a_worker_asks(doorbell):
    instance = an_instance(
        outside("open", when="{{ 1 == 1 }}", requires=["gpu"]),
        outside("shut", when="{{ 1 == 2 }}"),
        outside("after", needs=["shut"]),
    )

    assert ask() == ["open", "after"]

    assert task(instance, "shut").status == TaskState.SKIPPED
    assert_history_is_sound()


def test_an_approval_is_asked_for_and_then_the_task_is_offered(doorbell):
    instance = an_instance(outside("release", approval={"by": ["lead"]}))

    assert ask() == []
    assert Checkpoint.objects.get().task == task(instance, "release")
    approve(given=instance.public_id, task="release", by="lead")

    assert ask() == ["release"]
    assert_history_is_sound()


def test_a_list_is_opened_and_its_items_are_offered(doorbell):
    an_instance(outside("each", for_each=[1, 2]))

    ask()

    assert ask() == ["each[0]", "each[1]"]


def test_what_cannot_be_judged_fails_with_its_record(doorbell):
    instance = an_instance(outside("bad", when="{{ 1 // 0 }}"))

    assert ask() == []

    bad = task(instance, "bad")
    assert (bad.status, bad.error_kind) == (TaskState.FAILED, "bad_template")
    assert bad.records.get().status == "failed"
    assert_history_is_sound()


def test_a_lent_task_is_offered_once_its_gate_is_passed(doorbell, settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    instance = an_instance(a_task("lent", also={"when": "{{ 1 == 1 }}"}))

    assert ask() == ["lent"]

    assign(task=task(instance, "lent"), worker="W-1")
    assert task(instance, "lent").status == TaskState.RUNNING
    assert_history_is_sound()


def test_where_a_worker_of_cpds_is_alive_its_message_is_left_to_it(doorbell, fleet):
    instance = an_instance(outside("open", when="{{ 1 == 1 }}"))
    published = len(doorbell.messages)

    assert ask() == []

    assert (published, task(instance, "open").gate) == (1, "when")


def test_a_limit_holds_it_back_at_the_door_too(doorbell):
    tasks = [outside(name, when="{{ 1 == 1 }}") for name in ("a", "b")]
    instance = an_instance(*tasks, max_parallel=1)
    assert ask() == ["a", "b"]

    assign(task=task(instance, "a"), worker="W-1")

    with pytest.raises(NotOffered):
        assign(task=task(instance, "b"), worker="W-1")


def test_what_was_never_published_is_judged_as_far_as_the_limits_go(doorbell, settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    tasks = [a_task(name, also={"when": "{{ 1 == 1 }}", "requires": ["gpu"]}) for name in ("a", "b")]
    instance = an_instance(*tasks, max_parallel=1)
    assert doorbell.messages == []

    assert ask() == ["a"]

    assert task(instance, "b").gate == "when"


def test_what_is_more_urgent_is_judged_however_much_is_open(doorbell):
    an_instance(*[outside(f"a{number}") for number in range(12)], name="plain")
    instance = an_instance(outside("top", when="{{ 1 == 1 }}", priority="critical"), name="urgent")

    assert ask()[0] == "top"

    assert task(instance, "top").gate == ""


def test_what_has_waited_for_longer_is_judged_however_much_is_open(doorbell, settings):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    an_instance(a_task("old", also={"when": "{{ 1 == 1 }}", "requires": ["gpu"]}), name="first")
    an_instance(*[outside(f"a{number}") for number in range(12)], name="plain")

    assert ask()[0] == "old"


def test_what_is_less_urgent_waits_at_its_gate(doorbell):
    an_instance(*[outside(f"a{number}") for number in range(12)], name="plain")
    instance = an_instance(outside("low", when="{{ 1 == 1 }}", priority="low"), name="slow")

    assert "low" not in ask()

    assert task(instance, "low").gate == "when"


def lent(name, *requires, **also):
    return a_task(name, also={"when": "{{ 1 == 1 }}", "requires": requires, **also})


@pytest.fixture
def few_at_once(settings, monkeypatch):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    monkeypatch.setattr(gates_for_http, "AT_ONCE", 3)


def test_those_of_full_instances_keep_no_others_at_their_gates(doorbell, few_at_once):
    for number in range(4):
        gated = [lent(name, "gpu", priority="high") for name in ("a", "b")]
        full = an_instance(outside("runs"), *gated, name=f"full{number}", max_parallel=1)
        assign(task=task(full, "runs"), worker="W-1")
    an_instance(lent("free", "gpu"), name="free")

    assert ask() == ["free"]


def test_those_of_a_full_workflow_are_judged_as_far_as_it_goes(doorbell, few_at_once):
    names = [f"t{number}" for number in range(9)]
    an_instance(*[lent(name, "gpu") for name in names], name="narrow", max_running=4)

    assert ask() == names[:4]


def test_a_capability_of_which_no_more_may_be_out_keeps_no_other_at_its_gate(doorbell, few_at_once, settings):
    settings.CPDS = {**settings.CPDS, "capability_limits": {"gpu": 2}}
    names = [f"t{number}" for number in range(9)]
    instance = an_instance(*[lent(name, "gpu", priority="high") for name in names], name="many")
    an_instance(lent("free", "tpu"), name="free")

    assert ask() == ["t0", "t1", "free"]

    assert task(instance, "t2").gate == "when"


def test_why_says_who_judges(doorbell):
    instance = an_instance(outside("open", when="{{ 1 == 1 }}"))

    holds = why_waiting(task(instance, "open"))

    said = next(hold for hold in holds if hold.kind == HoldKind.NO_WORKER)
    assert "gate (when) is judged when a worker" in said.sentence
    assert "none is online" in said.sentence
