"""Functions register under a name of their own, with parameters that can be filled."""

import pytest

from workers_app import functions
from workers_app.errors import DuplicateFunction, MismatchedSignature, UnknownService
from workers_app.functions import find_service, task_function, task_functions


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    known = dict(task_functions())
    monkeypatch.setattr(functions, "_functions", known)
    return known


def test_a_function_stays_callable_as_it_was(registry):
    @task_function("adds")
    def adds(a, b):
        return a + b

    assert adds(1, 2) == 3
    assert registry["adds"].call is adds


def test_a_name_that_is_taken_is_refused_and_both_places_are_named(registry):
    @task_function("taken")
    def first():
        """Be first."""

    def second():
        """Be second."""

    with pytest.raises(DuplicateFunction) as refused:
        task_function("taken")(second)

    assert "first" in str(refused.value)
    assert "second" in str(refused.value)
    assert registry["taken"].call is first


def test_the_same_function_may_register_again():
    def make():
        @task_function("again")
        def again():
            """Be loaded twice."""

    make()
    make()


@pytest.mark.parametrize("function", [lambda *args: args, eval("lambda a, /: a"), lambda ctx, *args: args])
def test_parameters_that_cannot_be_filled_are_refused(registry, function):
    with pytest.raises(MismatchedSignature):
        task_function("unfit")(function)

    assert "unfit" not in registry


@pytest.mark.parametrize(
    ("function", "context", "keywords", "required", "allowed"),
    [
        (lambda: None, False, True, set(), set()),
        (lambda ctx: ctx, True, False, set(), None),
        (lambda ctx, a: a, True, True, {"a"}, {"a"}),
        (lambda a, b=1: a, False, True, {"a"}, {"a", "b"}),
        (lambda *, a: a, False, True, {"a"}, {"a"}),
        (lambda a, **rest: a, False, True, {"a"}, None),
        (lambda ctx, **rest: ctx, True, True, set(), None),
    ],
)
def test_what_a_function_takes(registry, function, context, keywords, required, allowed):
    task_function("described")(function)

    described = registry["described"]
    assert (described.takes_context, described.takes_keywords) == (context, keywords)
    assert described.required == required
    assert described.allowed == allowed


def test_modules_named_in_the_settings_are_loaded():
    assert {"noop", "echo", "nap_async"} <= set(task_functions())


def test_an_unknown_service_names_the_known_ones(settings):
    settings.CPDS = {**settings.CPDS, "services": {"db": 1, "mail": 2}}

    with pytest.raises(UnknownService, match="known: db, mail"):
        find_service("bd")


def test_a_service_by_path_is_made_anew_each_time(settings):
    settings.CPDS = {**settings.CPDS, "services": {"made": "builtins.list"}}

    assert find_service("made") == []
    assert find_service("made") is not find_service("made")
