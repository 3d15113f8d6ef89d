"""Every anticipated error tells machines its code and people what to do."""

import importlib

import pytest

import tasks_app.errors
from cpds.base.errors import CPDSError
from tests.architecture.sources import PRODUCT, ROOT, python_files


def kinds(root=CPDSError):
    return {kind for child in root.__subclasses__() for kind in {child, *kinds(child)}}


MODULES = sorted(
    file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for file in python_files(*PRODUCT)
    if file.name.endswith("errors.py")
)
for module in MODULES:
    importlib.import_module(module)  # whatever the order of the tests, every error is known here

OURS = sorted(
    (kind for kind in kinds() if not kind.__module__.startswith("tests.")),
    key=lambda kind: (kind.__module__, kind.__name__),
)


def test_the_errors_are_found():
    assert tasks_app.errors.StaleDispatch in OURS
    assert {
        "cpds.base.errors",
        "cpds.host.standalone.errors",
        "tasks_app.errors",
        "workers_app.errors",
    } <= set(MODULES)


def test_every_error_stands_in_a_module_of_errors():
    assert {kind.__module__ for kind in OURS} <= set(MODULES)


@pytest.mark.parametrize("kind", OURS)
class TestEveryError:
    def test_it_has_a_code_of_its_own(self, kind):
        assert [other for other in OURS if other.code == kind.code] == [kind]

    def test_its_docstring_says_what_to_do(self, kind):
        assert kind.__doc__
        assert kind.__doc__.strip().endswith(".")

    def test_its_sentence_is_its_own_and_ends(self, kind):
        assert kind.sentence != CPDSError.sentence
        assert kind.sentence[-1] in ".:}"
