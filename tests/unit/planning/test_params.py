import pytest

from tasks_app.errors import InvalidParams
from tasks_app.planning.inputs.params import params_from_text, resolve_params
from tests.unit.planning.builders import a_workflow


def a_spec(**params):
    return a_workflow(params=params)


def objections(function, *arguments):
    with pytest.raises(InvalidParams) as refusal:
        function(*arguments)
    assert refusal.value.workflow == "w"
    assert all(problem.message in refusal.value.summary for problem in refusal.value.problems)
    return [(problem.path, problem.message, problem.hint) for problem in refusal.value.problems]


def test_defaults_stand_in_for_what_is_not_given():
    spec = a_spec(
        source="database",
        limit={"type": "integer", "default": 1000},
        note={"type": "string", "required": False},
    )

    assert resolve_params(spec, {"limit": 5}) == {"source": "database", "limit": 5, "note": None}


def test_every_misfit_is_reported():
    spec = a_spec(
        n={"type": "integer", "minimum": 1, "maximum": 9},
        name={"required": True},
        mode={"type": "string", "enum": ["fast", "slow"], "default": "fast"},
        day={"type": "string", "default": "1", "minimum": 1, "maximum": 3},
    )

    assert objections(resolve_params, spec, {"n": 10, "mode": "fats", "day": "long", "nam": 1}) == [
        ("params.nam", "the workflow has no such parameter", "did you mean 'name'?"),
        ("params.n", "expected at most 9, found 10", ""),
        ("params.name", "a value is required", ""),
        ("params.mode", 'expected one of "fast", "slow", found text \'fats\'', ""),
        ("params.day", "expected at most 3 characters, found text 'long'", ""),
    ]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("string", 5),
        ("integer", 5.0),
        ("integer", True),
        ("number", "5"),
        ("boolean", 1),
        ("array", {}),
        ("object", []),
        ("integer", None),
    ],
)
def test_a_value_of_another_type_is_refused(type_, value):
    ((_, message, _),) = objections(resolve_params, a_spec(p={"type": type_}), {"p": value})

    assert message.startswith("expected ")


@pytest.mark.parametrize("value", [float("nan"), 2**64, {1: 2}, object()])
def test_what_is_no_json_is_refused(value):
    assert objections(resolve_params, a_spec(p=None), {"p": value})


def test_a_declared_parameter_without_a_default_must_be_given():
    assert objections(resolve_params, a_spec(p={"type": "integer"}), {})


def test_true_is_not_one():
    assert objections(resolve_params, a_spec(p={"required": True, "enum": [1, 2]}), {"p": True})


def test_a_text_is_read_in_the_type_of_its_parameter():
    spec = a_spec(
        text={"type": "string"},
        plain="x",
        n={"type": "integer"},
        limit=5,
        flag=False,
        items=[],
        anything=None,
    )
    pairs = [
        "text=5",
        "plain=true",
        "n=7",
        "limit=8",
        "flag=true",
        'items=[1, "a"]',
        "anything=a=b",
        "other=1.5",
    ]

    assert params_from_text(spec, pairs) == {
        "text": "5",
        "plain": "true",
        "n": 7,
        "limit": 8,
        "flag": True,
        "items": [1, "a"],
        "anything": "a=b",
        "other": 1.5,
    }


@pytest.mark.parametrize("pair", ["n", "=5", "n=abc", "n=NaN", "n=", "n=" + "[" * 100_000])
def test_a_text_that_cannot_be_read_is_refused(pair):
    assert objections(params_from_text, a_spec(n=5), [pair])


def test_a_parameter_given_twice_is_refused():
    assert objections(params_from_text, a_spec(n=5), ["n=1", "n=2"]) == [
        ("params.n", "it is given twice", "")
    ]


@pytest.mark.parametrize("given", ["short", 12345])
def test_a_secret_that_does_not_fit_is_not_repeated(given):
    spec = a_spec(token={"type": "string", "minimum": 8, "secret": True})

    ((_, message, _),) = objections(resolve_params, spec, {"token": given})

    assert str(given) not in message


def test_a_secret_that_cannot_be_read_is_not_repeated():
    spec = a_spec(pin={"type": "integer", "secret": True})

    ((_, message, _),) = objections(params_from_text, spec, ["pin=hunter2"])

    assert "hunter2" not in message
