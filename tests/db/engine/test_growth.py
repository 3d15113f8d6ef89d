"""A task costs the same in a large instance, and beside a long past, as in a small one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from tasks_app.models import Instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.benchmarks.history import write_history
from tests.benchmarks.statements import count_statements
from tests.support.builders import a_chain, a_workflow, diamonds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SMALL, LARGE = 100, 400
PAST = 20_000
STEPS = 100
"""SQLite says how much it works in units of so many of its instructions."""


def uploaded(name, tasks):
    upload_workflow(source=a_workflow(*tasks, name=name).encode())
    return name


def shapes(shape, size):
    return a_chain(size) if shape == "chain" else diamonds(size // 4)


@contextmanager
def work_counted() -> Iterator[list[int]]:
    """Count what SQLite does in the block, in ``STEPS`` instructions; it is the same every time.

    Elsewhere nothing is counted: only SQLite tells.
    """
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    if connection.vendor != "sqlite":
        yield counted
        return
    connection.ensure_connection()
    connection.connection.set_progress_handler(count, STEPS)
    try:
        yield counted
    finally:
        connection.connection.set_progress_handler(None, STEPS)


def cost_of(workflow):
    """Run an instance; return its statements, and the database's work for each task."""
    with work_counted() as counted:
        statements = count_statements(workflow)
    return statements, counted[0] / statements.tasks


@pytest.mark.parametrize("shape", ["chain", "diamonds"])
def test_a_task_of_a_large_instance_costs_no_more_than_one_of_a_small_one(shape):
    small, small_work = cost_of(uploaded("small", shapes(shape, SMALL)))
    large, large_work = cost_of(uploaded("large", shapes(shape, LARGE)))

    assert large.per_task <= small.per_task * 1.03
    assert large.transactions_per_task <= small.transactions_per_task * 1.03
    assert large_work <= small_work * 1.1


def test_a_long_past_makes_no_task_cost_more():
    name = uploaded("again", diamonds(SMALL // 4))
    before, work_before = cost_of(name)
    written = write_history(origin=Instance.objects.get(), tasks=PAST)

    after, work_after = cost_of(name)

    assert written >= PAST
    assert after.per_task <= before.per_task * 1.1  # who is first depends on how long tasks took
    # Which is one more to read, and so is who is there, if that was known a while ago only.
    assert after.submit.statements <= before.submit.statements + 2
    assert work_after <= work_before * 1.3
