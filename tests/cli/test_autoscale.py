"""``autoscale``: how many workers are wanted, as a table and as JSON."""

import pytest
from django.core.management.base import CommandError

from tests.db.conftest import doorbell, fleet
from tests.support.builders import a_task
from tests.support.engine import an_instance

__all__ = ["doorbell", "fleet"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _engine(doorbell, fleet):
    """Keep what is published."""


def needing(name, *capabilities):
    return a_task(name, also={"requires": list(capabilities)})


def test_it_is_a_table_by_requirement_set(run):
    an_instance(a_task("a"), needing("b", "gpu", "node"), needing("c", "gpu", "node"))

    heading, *rows, total = run("autoscale", "--slots", "1").lines

    assert heading.split()[:3] == ["REQUIRES", "READY", "RUNNING"]
    assert [row.split() for row in rows] == [
        ["nothing", "1", "0", "?", "1", "1"],
        ["gpu", "node", "2", "0", "?", "2", "2"],
    ]
    assert total == "3 workers of 1 slot wanted, so that what is ready is done in 60 seconds"


def test_programs_read_json(run):
    an_instance(a_task("a"), needing("b", "gpu"))

    told = run("autoscale", "--json", "--slots", "2", "--requires", "gpu", "--capability", "gpu").json

    assert (told["workers"], told["slots"], told["slots_each"]) == (1, 1, 2)
    assert set(told["sets"]) == {"gpu"}


def test_the_bounds_hold(run):
    assert run("autoscale", "--json", "--min", "2").json["workers"] == 2
    an_instance(*(a_task(f"t{number}") for number in range(9)))
    assert run("autoscale", "--json", "--slots", "1", "--max", "3").json["workers"] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("--min", "3", "--max", "2"),
        ("--requires", "GPU!"),
        ("--capability", ""),
        ("--start", "--capability", "gpu"),
        ("--start", "--min", "3", "--max", "1"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(run, arguments):
    assert run("autoscale", *arguments).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--slots", "0"),
        ("--max", "-1"),
        ("--watch", "soon"),
        ("--start", "--name", "a/b"),
    ],
)
def test_what_cannot_be_meant_is_one_too(run, arguments):
    with pytest.raises(CommandError, match=f"argument {arguments[-2]}"):
        run("autoscale", *arguments)
