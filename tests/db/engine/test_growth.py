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

pytestmark = pytest.mark.django_db(transaction=True)

SMALL, LARGE = 100, 1000
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
    """Count what SQLite does in the block, in ``STEPS`` instructions; it is the same every time."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, STEPS)
    try:
        yield counted
    finally:
        connection.connection.set_progress_handler(None, STEPS)


def work_per_task(workflow):
    with work_counted() as counted:
        tasks = count_statements(workflow).tasks
    return counted[0] / tasks


@pytest.mark.parametrize("shape", ["chain", "diamonds"])
def test_a_large_instance_takes_as_many_statements_for_each_task_as_a_small_one(shape):
    small = count_statements(uploaded("small", shapes(shape, SMALL)))
    large = count_statements(uploaded("large", shapes(shape, LARGE)))

    assert large.per_task <= small.per_task * 1.05
    assert large.transactions_per_task <= small.transactions_per_task * 1.05


@pytest.mark.skipif("config.getoption('--db') != 'sqlite'", reason="only SQLite counts its instructions")
@pytest.mark.parametrize("shape", ["chain", "diamonds"])
def test_a_large_instance_takes_no_more_of_the_database_for_each_task(shape):
    small = work_per_task(uploaded("small", shapes(shape, SMALL)))
    large = work_per_task(uploaded("large", shapes(shape, LARGE)))

    assert large <= small * 1.3


@pytest.mark.skipif("config.getoption('--db') != 'sqlite'", reason="only SQLite counts its instructions")
def test_a_long_past_takes_no_more_of_the_database_for_each_task():
    name = uploaded("again", diamonds(SMALL // 4))
    before = work_per_task(name)
    write_history(origin=Instance.objects.get(), tasks=PAST)

    assert work_per_task(name) <= before * 1.3


def test_a_long_past_takes_no_more_statements():
    name = uploaded("again", diamonds(SMALL // 4))
    before = count_statements(name)
    written = write_history(origin=Instance.objects.get(), tasks=PAST)

    after = count_statements(name)

    assert written >= PAST
    assert after.per_task <= before.per_task * 1.1  # who is first depends on how long tasks took
    # Which is one more to read, and so is who is there, if that was known a while ago only.
    assert after.submit.statements <= before.submit.statements + 2
