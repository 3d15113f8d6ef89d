"""What an attempt says is kept while its claim is held, whatever it says."""

import pytest

from tasks_app.errors import StaleDispatch
from tasks_app.models import Event
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.sanitize import MESSAGE_CHARACTERS
from tasks_app.services.publishing.release import take_back
from tests.support.builders import a_task
from tests.support.driving import claim, complete
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db
SECRET = "sk-ant-" + "a" * 30
ODD = f"NUL \x00 half \ud800 {SECRET} " + "x" * 10_000
SHOWN = "NUL � half ? [redacted] x"


@pytest.fixture
def row(doorbell):
    return task(an_instance(a_task("only")), "only")


@pytest.fixture
def held(row):
    return claim(row)


def said(kind):
    return Event.objects.get(kind=kind)


def test_progress_is_on_the_task_and_in_the_ledger(row, held):
    Attempt.of(held).progress(fraction=0.25, message="a quarter")

    row.refresh_from_db()
    assert (row.progress, row.progress_message) == (0.25, "a quarter")
    event = said("task.progress")
    assert (event.message, event.data, event.worker) == ("a quarter", {"progress": 0.25}, held.worker)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(-1, 0.0), (2, 1.0), (float("nan"), 0.0), (float("inf"), 1.0), (float("-inf"), 0.0), (True, 1.0)],
)
def test_a_fraction_is_between_nothing_and_all(row, held, given, kept):
    Attempt.of(held).progress(fraction=given, message="")

    row.refresh_from_db()
    assert row.progress == kept


def test_progress_may_say_anything(row, held):
    Attempt.of(held).progress(fraction=0.5, message=ODD)

    row.refresh_from_db()
    for text in (row.progress_message, said("task.progress").message):
        assert text.startswith(SHOWN)
        assert len(text) <= MESSAGE_CHARACTERS


def test_a_log_line_may_say_anything(held):
    Attempt.of(held).log(lines=[ODD])

    text = said("task.log").message
    assert text.startswith(SHOWN)
    assert len(text) <= MESSAGE_CHARACTERS


def test_a_log_line_names_the_attempt(held):
    Attempt.of(held).log(lines=["a line"])

    event = said("task.log")
    assert (event.message, event.attempt, event.worker, event.task_id) == (
        "a line",
        1,
        held.worker,
        held.task_id,
    )


@pytest.mark.parametrize("end", ["taken back", "completed"])
def test_a_lost_claim_says_nothing(row, end, held):
    if end == "completed":
        take_back(task_ids=[row.pk], reason="", is_loss=False)
        row.__class__.objects.filter(pk=row.pk).update(dispatch_id="second")
        complete(row)
    else:
        take_back(task_ids=[row.pk], reason="", is_loss=True)

    with pytest.raises(StaleDispatch):
        Attempt.of(held).progress(fraction=0.5, message="late")
    with pytest.raises(StaleDispatch):
        Attempt.of(held).log(lines=["late"])

    row.refresh_from_db()
    assert row.progress_message == ""
    assert not Event.objects.filter(kind__in=["task.progress", "task.log"]).exists()
