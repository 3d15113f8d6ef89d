"""Every legal move moves and leaves an event; every other leaves the row as it was."""

import pytest

from cpds.base import db
from cpds.base.db import TransactionRequired
from tasks_app.models import Event, Instance, Task
from tasks_app.models.returning import update_returning
from tasks_app.states import INSTANCE_MOVES, TASK_MOVES, InstanceState, TaskState
from tests.support.builders import a_task
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db
TASK_PAIRS = [(source, to) for source in TaskState for to in TaskState]
INSTANCE_PAIRS = [(source, to) for source in InstanceState for to in InstanceState]


@pytest.fixture
def instance(doorbell):
    return an_instance(a_task("only"))


@pytest.fixture
def task(instance):
    return Task.objects.get(instance=instance)


def a_task_that_is(state, task):
    Task.objects.filter(pk=task.pk).update(status=state)
    Event.objects.all().delete()
    return Task.objects.filter(pk=task.pk)


def an_instance_that_is(state, instance):
    Instance.objects.filter(pk=instance.pk).update(status=state)
    Event.objects.all().delete()
    return Instance.objects.filter(pk=instance.pk)


@pytest.mark.parametrize(("source", "to"), TASK_PAIRS)
def test_a_task_moves_as_the_table_says(source, to, task):
    rows = a_task_that_is(source, task)

    with db.transaction():
        moved = rows.move(to=to, by="worker@a", message="why", data={"fact": 1}, reason="changed")

    task.refresh_from_db()
    if to in TASK_MOVES[source]:
        assert [each.pk for each in moved] == [task.pk]
        assert (task.status, task.reason) == (to, "changed")
        event = Event.objects.get()
        assert (event.kind, event.task_id, event.instance_id) == (f"task.{to}", task.pk, task.instance_id)
        assert (event.worker, event.message, event.data) == ("worker@a", "why", {"fact": 1})
    else:
        assert moved == []
        assert (task.status, task.reason) == (source, "")
        assert not Event.objects.exists()


@pytest.mark.parametrize(("source", "to"), INSTANCE_PAIRS)
def test_an_instance_moves_as_the_table_says(source, to, instance):
    rows = an_instance_that_is(source, instance)

    with db.transaction():
        moved = rows.move(to=to, message="why", error_message="changed")

    instance.refresh_from_db()
    if to in INSTANCE_MOVES[source]:
        assert moved == [instance.pk]
        assert (instance.status, instance.error_message) == (to, "changed")
        event = Event.objects.get()
        assert (event.kind, event.task_id, event.message) == (f"instance.{to}", None, "why")
    else:
        assert moved == []
        assert (instance.status, instance.error_message) == (source, "")
        assert not Event.objects.exists()


def test_a_move_that_is_undone_leaves_no_event(task):
    rows = a_task_that_is(TaskState.PENDING, task)

    def move_and_fail():
        with db.transaction():
            rows.move(to=TaskState.QUEUED)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        move_and_fail()

    task.refresh_from_db()
    assert task.status == TaskState.PENDING
    assert not Event.objects.exists()


def test_an_event_that_cannot_be_written_undoes_its_move(task, monkeypatch):
    rows = a_task_that_is(TaskState.PENDING, task)

    def fails(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(Event.objects, "bulk_create", fails)

    with pytest.raises(ZeroDivisionError), db.transaction():
        rows.move(to=TaskState.QUEUED)

    task.refresh_from_db()
    assert task.status == TaskState.PENDING


def test_of_several_rows_only_those_that_may_move_do(doorbell):
    instance = an_instance(*(a_task(f"t{number}") for number in range(4)))
    tasks = Task.objects.filter(instance=instance).order_by("pk")
    keys = list(tasks.values_list("pk", flat=True))
    tasks.filter(pk__in=keys[:2]).update(status=TaskState.RUNNING)
    tasks.filter(pk__in=keys[2:]).update(status=TaskState.COMPLETED)
    Event.objects.all().delete()

    with db.transaction():
        moved = tasks.order_by().move(to=TaskState.FAILED)

    assert [each.pk for each in moved] == keys[:2]
    assert list(Event.objects.order_by("id").values_list("task_id", flat=True)) == keys[:2]


def test_a_move_answers_with_the_row_as_it_is_afterwards(task):
    rows = a_task_that_is(TaskState.QUEUED, task)

    with db.transaction():
        (moved,) = rows.move(to=TaskState.RUNNING, attempts=7)

    assert moved.attempts == 7
    assert Event.objects.get().attempt == 7


def test_an_impossible_filter_moves_nothing(task):
    with db.transaction():
        assert Task.objects.filter(pk__in=[]).move(to=TaskState.QUEUED) == []
        assert update_returning(Task.objects.none(), {"reason": "x"}, ("id",)) == []


@pytest.mark.django_db(transaction=True)
def test_a_move_needs_a_transaction(task, instance):
    with pytest.raises(TransactionRequired):
        Task.objects.filter(pk=task.pk).move(to=TaskState.RUNNING)
    with pytest.raises(TransactionRequired):
        Instance.objects.filter(pk=instance.pk).move(to=InstanceState.PAUSED)
