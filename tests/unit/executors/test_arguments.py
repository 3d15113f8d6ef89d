import pytest
from pydantic import Field

from tasks_app.outcomes import Failed
from workers_app.executors.arguments import Arguments, Seconds, check_against, parse_arguments


class Greeting(Arguments):
    name: str
    times: int = 1
    patience: Seconds | None = None
    to: str | list[str] | None = None
    headers: dict[str, str] = Field(default_factory=dict)


NOTHING_TEMPLATED: frozenset[str] = frozenset()


def problems_of(templated=NOTHING_TEMPLATED, **arguments):
    return {p.field: p for p in check_against(Greeting, arguments, templated=templated)}


def test_good_arguments_have_no_problems():
    assert problems_of(name="Ada", patience="30s", to=["a"]) == {}


def test_a_missing_field_is_named():
    assert problems_of()["name"].message == "is required and missing"


def test_an_unknown_field_comes_with_the_name_probably_meant():
    assert problems_of(name="Ada", tmies=3)["tmies"].hint == "did you mean 'times'?"


def test_an_unknown_field_like_no_other_comes_with_the_known_names():
    assert "headers, name" in problems_of(name="Ada", zzz=3)["zzz"].hint


def test_a_wrong_type_says_what_was_found_and_expected():
    assert problems_of(name=5)["name"].message == "expected a text, found the number 5"


def test_a_union_is_reported_once():
    assert problems_of(name="Ada", to=5)["to"].message == "expected a text or a list, found the number 5"


def test_values_are_never_converted_silently():
    assert set(problems_of(name="Ada", times="3")) == {"times"}


def test_a_templated_field_is_not_judged_by_its_type():
    assert problems_of(frozenset({"times"}), name="Ada", times="{{ params.n }}") == {}


def test_a_templated_field_must_still_be_known():
    assert set(problems_of(frozenset({"tmies"}), name="Ada", tmies="{{ 1 }}")) == {"tmies"}


def test_parsing_refuses_what_rendering_produced_and_names_the_field():
    failed = parse_arguments(Greeting, {"name": "Ada", "times": "many"})

    assert isinstance(failed, Failed)
    assert (failed.kind, failed.retryable) == ("bad_input", False)
    assert failed.message == "times: expected a whole number, found the text 'many'"


def test_nested_texts_are_not_shown_since_they_may_be_secret():
    failed = parse_arguments(Greeting, {"name": "Ada", "headers": "sk-ant-abcdefghijkl"})

    assert "abcdefghijkl" not in failed.message


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (5, 5.0),
        (0.5, 0.5),
        ("30s", 30.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        ("1h30m", 5400.0),
        ("2d", 172_800),
    ],
)
def test_a_span_is_read_as_everywhere_in_a_workflow(written, seconds):
    parsed = parse_arguments(Greeting, {"name": "Ada", "patience": written})

    assert parsed.patience == seconds


@pytest.mark.parametrize("written", [0, -1, "", "30", "30m1h", True, "400d"])
def test_what_means_no_positive_span_is_refused(written):
    failed = parse_arguments(Greeting, {"name": "Ada", "patience": written})

    assert (failed.kind, failed.detail) == ("bad_input", {"fields": ["patience"]})
