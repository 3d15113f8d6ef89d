import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.errors import InvalidWorkflow
from tasks_app.planning.source.yaml_source import read_yaml


def problems(source):
    with pytest.raises(InvalidWorkflow) as refusal:
        read_yaml(source)
    assert refusal.value.count == len(refusal.value.problems)
    return refusal.value.problems


def only(source):
    (problem,) = problems(source)
    return problem


def value(text):
    return read_yaml(f"v: {text}").value["v"]


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "no",
        "yes",
        "off",
        "y",
        "010",
        "0o10",
        "0x1F",
        "12:30:45",
        "1_000",
        "2026-01-08",
        "+",
        ".",
        "01.5",
    ],
)
def test_what_yaml_1_1_would_twist_stays_text(text):
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1000", 1000),
        ("-3", -3),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ('"12"', "12"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("!!float 1", 1.0),
        ("! 12", "12"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(text, meant):
    found = value(text)

    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 5000, str(2**63), "1" * 401 + ".5"])
def test_a_number_that_cannot_be_stored_is_refused(text):
    assert only(f"v: {text}").path == "v"


def test_the_largest_numbers_of_64_bits_are_read():
    assert value(str(2**63 - 1)) == 2**63 - 1
    assert value(str(-(2**63))) == -(2**63)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [id]",
        "!!python/name:os.system x",
        "!mine x",
        "!!binary aGk=",
        "!!set {a}",
        "!!int x",
        "!!timestamp 2026-01-01",
    ],
)
def test_a_custom_tag_is_refused(text):
    assert "v" in problems(f"v: {text}")[0].path


def test_every_alias_and_anchor_is_reported():
    found = problems("a: &x [1]\nb: *x\nc: [*x, *x]\n")

    assert [problem.code for problem in found] == ["anchor", "alias", "alias", "alias"]
    assert [(problem.line, problem.column) for problem in found] == [(1, 4), (2, 4), (3, 5), (3, 9)]
    assert [problem.path for problem in found] == ["a", "b", "c[0]", "c[1]"]


def test_a_recursive_alias_is_refused():
    assert {problem.code for problem in problems("a: &a [*a]")} == {"anchor", "alias"}


def test_a_merge_key_is_refused():
    assert "merge" in only("a: {<<: {b: 1}}").message


def test_a_repeated_key_is_named_with_both_places():
    problem = only("a:\n  key: 1\n  key: 2\n")

    assert (problem.code, problem.line, problem.column, problem.path) == ("duplicate_key", 3, 3, "a.key")
    assert "'key' is there twice; the first is at line 2, column 3" in problem.message


def test_problems_of_several_kinds_are_collected():
    found = problems("a: .inf\nb: *x\na: 1\n5: x\nc: !mine y\n")

    assert [problem.line for problem in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("key", ["5", "true", "null", "1.5", "[a]", "{a: b}", "? [a]\n"])
def test_a_key_must_be_text(key):
    assert problems(f"{key}: x")[0].code == "bad_key"


@pytest.mark.parametrize("text", ["[" * 20_000, "a: " + "[" * 60 + "]" * 60, "{a: " * 100_000])
def test_a_depth_bomb_is_refused(text):
    assert problems(text)[0].code in {"too_deep", "not_yaml"}


def test_fifty_levels_are_read():
    assert value("[" * 48 + "]" * 48)


def test_too_many_values_are_refused():
    assert only("a: [" + "1," * 400_000 + "]").code == "too_many_values"


def test_too_many_bytes_are_refused():
    assert only(b"a" * (1024 * 1024 + 1)).code == "too_large"
    assert only("文" * 400_000).code == "too_large"


@pytest.mark.parametrize(
    "source",
    ["a: 1\n".encode("utf-16"), "a: 1\n".encode("utf-16-le"), "a: 1\n".encode("utf-32"), b"a: \xff\n"],
)
def test_only_utf_8_is_read(source):
    problem = only(source)

    assert problem.code == "encoding"
    assert "UTF-8" in problem.message


def test_the_place_of_a_wrong_byte_is_given():
    problem = only("a: 1\n名: ".encode() + b"\xff")

    assert (problem.line, problem.column) == (2, 4)


def test_a_byte_order_mark_is_accepted():
    assert read_yaml(b"\xef\xbb\xbfa: 1").value == {"a": 1}


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\ud800", "\ufffe"])
def test_a_control_character_is_refused_with_its_place(character):
    problem = only(f"a: 1\nb: x{character}")

    assert (problem.code, problem.line, problem.column) == ("control_character", 2, 5)


@pytest.mark.parametrize("text", [r'"\0"', r'"\ud800"', r'"\uDC00"'])
def test_an_escape_for_what_no_database_stores_is_refused(text):
    assert only(f"v: {text}").line == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("# only a comment", "empty"),
        ("[1]", "not_a_mapping"),
        ("word", "not_a_mapping"),
        ("a: 1\n---\nb: 2", "several_documents"),
        ("a: [1", "not_yaml"),
        ("\ta: 1", "not_yaml"),
        ("null", "not_a_mapping"),
    ],
)
def test_what_is_no_single_mapping_is_refused(text, code):
    assert only(text).code == code


def test_a_syntax_error_has_its_place():
    problem = only("a: 1\nb: [1, 2\nc: 3\n")

    assert problem.line == 3


def test_crlf_and_json_are_read():
    assert read_yaml("a: 1\r\nb: [x]\r\n").value == {"a": 1, "b": ["x"]}
    assert read_yaml('{"a": {"b": [1, null, true, "\\u00e9\\/"]}}').value == {
        "a": {"b": [1, None, True, "é/"]}
    }


def test_it_knows_where_everything_stands():
    document = read_yaml("name: x\ntasks:\n  - name: a\n    with: {n: 1, m: [2, 3]}\n")

    assert document.position(("name",)) == (1, 7)
    assert document.key_position(("name",)) == (1, 1)
    assert document.position(("tasks", 0)) == (3, 5)
    assert document.position(("tasks", 0, "with", "m", 1)) == (4, 25)
    assert document.key_position(("tasks", 0, "with", "m")) == (4, 18)


def test_the_place_of_what_is_missing_is_that_of_what_surrounds_it():
    assert read_yaml("a:\n  b: 1\n").position(("a", "c", 3)) == (2, 3)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="ascii", exclude_categories=["C"])),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text("abc<-:# ", max_size=5), children, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_json_is_read_as_what_it_is(value):
    assert read_yaml(json.dumps({"v": value})).value == {"v": value}
