"""What a command printed, read as a task's output."""

import pytest

from workers_app.sdk import TaskFailed
from workers_app.sdk.tools.output import OutputFormat, read_output

DEEP = "[" * 200_000


@pytest.mark.parametrize(
    ("form", "text", "output"),
    [
        ("text", "  one\ntwo\n", "one\ntwo"),
        ("text", '{"a": 1}', '{"a": 1}'),
        ("json", ' {"a": [1, null]}\n', {"a": [1, None]}),
        ("json", '"word"', "word"),
        ("jsonl", '{"a": 1}\n\n2\n"x"\n', [{"a": 1}, 2, "x"]),
        ("jsonl", "", []),
        ("auto", "plain words", "plain words"),
        ("auto", "", ""),
        ("auto", "12", "12"),
        ("auto", '{"a": 1}', {"a": 1}),
        ("auto", "[1, 2]\n", [1, 2]),
        ("auto", '{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        ("auto", "[1]\n[2]", "[1]\n[2]"),
        ("auto", '{"a": 1}\nand words', '{"a": 1}\nand words'),
        ("auto", "[brackets] in words", "[brackets] in words"),
        ("auto", DEEP, DEEP),
    ],
)
def test_it_is_read_as_its_form_says(form, text, output):
    assert read_output(text, form=OutputFormat(form)) == output


@pytest.mark.parametrize(
    ("form", "text", "place"),
    [("json", "words", "the output"), ("json", DEEP, "the output"), ("jsonl", '{"a": 1}\nwords', "line 2")],
)
def test_what_is_not_of_its_form_fails_the_attempt_and_says_where(form, text, place):
    with pytest.raises(TaskFailed, match=place) as refused:
        read_output(text, form=OutputFormat(form))

    assert (refused.value.kind, refused.value.retryable) == ("bad_output", True)
