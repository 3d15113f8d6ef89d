"""How everything ended is told of every instance, however many there are."""

import pytest

from cpds.host.standalone.screen.watch import Watch, take_snapshot
from tasks_app.models import Instance
from tasks_app.services.queries import ended_badly, newest_instance, unfinished_instances
from tests.support.builders import a_task
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db
MANY = 60


@pytest.fixture
def carried_on(doorbell):
    first = an_instance(a_task("only"))
    facts = {"project": first.project, "workflow": first.workflow, "version": first.version, "task_count": 0}
    Instance.objects.bulk_create([Instance(**facts, status="running") for _ in range(MANY - 1)])
    return list(Instance.objects.order_by("pk"))


def end(instances, status):
    Instance.objects.filter(pk__in=[each.pk for each in instances]).update(status=status)


@pytest.mark.parametrize("status", ["failed", "cancelled", "compensated"])
def test_the_last_of_many_carried_on_instances_counts(carried_on, status):
    before = take_snapshot()
    end(carried_on, "completed")
    end(carried_on[-1:], status)

    watch = Watch(before=before, prepared=None, until_quiet=True, with_overview=False)

    assert watch._something_failed()


def test_instances_of_an_earlier_stay_do_not_count(carried_on):
    end(carried_on, "failed")

    before = take_snapshot()

    assert (before.newest, before.unfinished) == (newest_instance(), [])
    assert ended_badly(since=before.newest, among=before.unfinished) == 0


def test_each_counts_once(carried_on):
    keys = unfinished_instances()
    end(carried_on, "failed")

    assert ended_badly(since=0, among=keys) == MANY
    assert ended_badly(since=keys[0], among=keys) == MANY
