"""A lease is extended for whoever holds it, and for nobody else."""

import pytest

from cpds.base import clock
from tasks_app.models import Task
from tasks_app.services.attempts.leases import renew_claims
from tasks_app.services.publishing.release import take_back
from tasks_app.states import TaskState
from tests.support.builders import a_task
from tests.support.driving import claim, complete, let_time_pass
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def tasks(doorbell):
    instance = an_instance(*(a_task(f"t{number}") for number in range(3)))
    return list(Task.objects.filter(instance=instance).order_by("pk"))


def key(held):
    return held.fence


def has_a_lease(row):
    return Task.objects.filter(pk=row.pk, lease_expires_at__gt=clock.database_now()).exists()


def test_what_is_held_is_extended(tasks):
    held = [key(claim(row)) for row in tasks[:2]]
    let_time_pass()

    assert renew_claims(worker="worker@test", claims=held) == set(held)

    assert [has_a_lease(row) for row in tasks] == [True, True, False]


def test_nothing_held_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert renew_claims(worker="worker@test", claims=[]) == set()


def test_a_claim_of_another_worker_is_not_extended(tasks):
    held = key(claim(tasks[0], worker="worker@a"))
    let_time_pass()

    assert renew_claims(worker="worker@b", claims=[held]) == set()

    assert not has_a_lease(tasks[0])


def test_a_claim_under_an_older_dispatch_is_not_renewed(tasks):
    held = claim(tasks[0])

    assert renew_claims(worker="worker@test", claims=[(held.task_id, "older")]) == set()


def test_a_finished_task_is_not_renewed(tasks):
    held = complete(tasks[0])

    assert renew_claims(worker="worker@test", claims=[key(held)]) == set()


def test_a_claim_that_was_taken_back_is_missing_from_the_answer(tasks):
    kept, lost = (claim(row) for row in tasks[:2])
    take_back(task_ids=[lost.task_id], reason="lost", is_loss=True)

    assert renew_claims(worker="worker@test", claims=[key(kept), key(lost)]) == {key(kept)}

    tasks[1].refresh_from_db()
    assert (tasks[1].status, tasks[1].lease_expires_at) == (TaskState.PENDING, None)


def test_many_claims_are_renewed_in_two_statements(tasks, django_assert_max_num_queries):
    held = [key(claim(row)) for row in tasks]

    with django_assert_max_num_queries(4):  # with the transaction's own two
        assert len(renew_claims(worker="worker@test", claims=held)) == 3
