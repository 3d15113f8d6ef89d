"""Every anticipated error tells machines its code and people what to do."""

import pytest

import tasks_app.errors
from cpds.base.errors import CPDSError


def kinds(root=CPDSError):
    return {kind for child in root.__subclasses__() for kind in {child, *kinds(child)}}


OURS = sorted(
    (kind for kind in kinds() if not kind.__module__.startswith("tests.")), key=lambda kind: kind.__name__
)


def test_the_errors_are_found():
    assert tasks_app.errors.StaleDispatch in OURS


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
