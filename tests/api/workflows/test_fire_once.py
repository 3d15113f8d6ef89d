"""A schedule fired by hand with an ``Idempotency-Key``: what it publishes comes after the commit."""

import pytest

from cpds.base import db
from tasks_app.models import IdempotencyKey, Instance
from tests.api.given_instances import stored
from tests.support.driving import drive_to_end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(people):
    return people.client("operator")


@pytest.fixture(params=["allow", "cancel_running", "queue"])
def fire(request, people, operator):
    """Fires a schedule of which an instance runs already, while another of the workflow waits for its end."""
    schedule = {"cron": "@daily", "overlap": request.param}
    key = stored(people.mine, schedule=schedule, max_instances=1).workflow_id
    address = f"/api/v1/workflows/{key}/schedule/fire"
    assert operator.post(address).status_code == 201
    assert operator.post(f"/api/v1/workflows/{key}/execute").status_code == 201
    return lambda: operator.post(address, headers={"Idempotency-Key": "once"})


def test_nothing_is_published_before_the_commit(fire, doorbell):
    seen = []
    doorbell.before_each = lambda: seen.append((db.in_transaction(), IdempotencyKey.objects.count()))

    assert fire().status_code == 201

    assert set(seen) <= {(False, 1)}, "(in a transaction, keys that are kept)"


def test_without_a_broker_it_is_answered_and_nothing_is_lost(fire, doorbell):
    doorbell.is_broken = True

    first, again = fire(), fire()

    doorbell.is_broken = False
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    scheduled, executed, fired = Instance.objects.order_by("pk")
    assert scheduled.status in {"running", "cancelled"}
    for each in (scheduled, executed, fired):
        drive_to_end(each, doorbell)
    assert [each.status for each in Instance.objects.order_by("pk")][1:] == ["completed", "completed"]
