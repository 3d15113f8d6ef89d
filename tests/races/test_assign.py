"""Fifty workers that speak HTTP ask for the same task at the same moment, and one gets it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from tasks_app.errors import NotOffered
from tasks_app.models import ExecutionRecord
from tasks_app.services import external
from tasks_app.states import TaskState
from tests.support.engine import assert_history_is_sound
from tests.support.loose import an_external, created, loose

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 50


def test_fifty_assign_one_task_and_one_wins():
    created(an_external("wanted"), an_external("after", needs=["wanted"]))
    start = Barrier(WORKERS)

    def ask(number):
        try:
            task = loose("wanted")
            start.wait(timeout=60)
            return external.assign(task=task, worker=f"worker-{number}").worker
        except NotOffered:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        winners = [winner for winner in pool.map(ask, range(WORKERS)) if winner is not None]

    assert [loose("wanted").worker] == winners
    assert loose("wanted").status == TaskState.RUNNING
    assert ExecutionRecord.objects.count() == 1
    external.complete(task=loose("wanted"), worker=winners[0])
    assert loose("after").ready_at is not None
    assert_history_is_sound()
