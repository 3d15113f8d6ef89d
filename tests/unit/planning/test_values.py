"""Only JSON is stored, and every text is made storable."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.planning.values.values import NotJSONError, as_json


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (object(), "result is of type object"),
        ({"a": [1, {2, 3}]}, "result.a[1] is of type set"),
        (float("nan"), "result is nan"),
        ({1: "one"}, "result has a key of type int"),
        (2**63, "beyond 64 bits"),
        (b"bytes", "of type bytes"),
    ],
)
def test_it_names_the_place_of_what_json_cannot_say(value: Any, told: str):
    with pytest.raises(NotJSONError, match=told.replace("[", r"\[").replace("]", r"\]")):
        as_json(value)


def test_it_refuses_what_is_nested_without_end():
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(NotJSONError, match="deeper than 100 levels"):
        as_json(endless)


def test_it_replaces_what_no_database_stores():
    assert as_json("a\x00b\ud800") == "a�b?"


def test_tuples_become_lists():
    assert as_json({"pair": (1, 2)}) == {"pair": [1, 2]}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    )
)
def test_what_it_returns_is_json_that_any_database_takes(value: Any):
    try:
        stored = as_json(value)
    except NotJSONError:
        return
    text = json.dumps(stored, allow_nan=False, ensure_ascii=False)
    assert "\x00" not in text
    text.encode("utf-8")
