"""How values look."""

from datetime import timedelta

import pytest

from tasks_app.admin.shared import display
from tasks_app.models import Task
from tasks_app.states import InstanceState, RecordState, TaskState
from tests.admin.rows import NOON

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (None, "–"),
        (0, "$0.00"),
        (5, "$0.000005"),
        (12_500, "$0.0125"),
        (1_500_000, "$1.50"),
        (1_234_567_890_000, "$1,234,567.89"),
    ],
)
def test_costs_are_dollars(micros, shown):
    assert display.dollars(micros) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.5, "0.5s"), (12, "12s"), (150, "2m30s"), (3900, "1h05m00s")]
)
def test_spans_are_for_people(seconds, shown):
    assert display.span(NOON, NOON + timedelta(seconds=seconds)) == shown


def test_what_still_runs_says_so():
    assert display.span(NOON, None).endswith(" so far")
    assert display.span(None, None) == "–"


def test_a_task_between_attempts_takes_no_time():
    waiting = Task(status="waiting", started_at=NOON)
    running = Task(status="running", started_at=NOON)

    assert display.effort(waiting) == "–"
    assert display.effort(running).endswith(" so far")


@pytest.mark.parametrize("word", sorted({*TaskState, *InstanceState, *RecordState}))
def test_every_state_has_a_sign_and_a_word(word):
    shown = display.state(word)

    assert f'<span aria-hidden="true">{display.ICONS[word]}</span> {word}</span>' in shown


def test_an_unknown_state_is_shown_as_text():
    assert "&lt;b&gt;" in display.state("<b>")


def test_json_is_indented_and_keeps_its_letters():
    assert "{\n  &quot;name&quot;: &quot;中文&quot;\n}" in display.pretty({"name": "中文"})


@pytest.mark.parametrize("value", [0, False, "", [], {}])
def test_an_empty_value_is_not_taken_for_none(value):
    assert "<pre" in display.pretty(value)


def test_none_is_shown_as_nothing():
    assert display.pretty(None) == display.text(None) == display.text("") == "–"


def test_a_text_that_just_fits_is_whole():
    assert "Only the first" not in display.text("x" * display.SHOWN_CHARACTERS)
    assert "Only the first" in display.text("x" * (display.SHOWN_CHARACTERS + 1))


def test_names_are_listed_as_a_sentence_would():
    assert display.words([], 0) == "–"
    assert display.words(["a", "b"], 2) == "a, b"
    assert display.words(["a", "b"], 1_002) == "a, b and 1,000 more"
    assert display.words([], 3) == "3 tasks"
