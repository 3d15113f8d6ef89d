import copy
from http import HTTPStatus
from multiprocessing.reduction import ForkingPickler

import pytest

from cpds.base.errors import CPDSError


class BasketFull(CPDSError):
    """Take something out."""

    code = "basket_full"
    http_status = HTTPStatus.CONFLICT
    retryable = True
    sentence = "Basket {basket!r} holds {count}; take one out."


def test_the_sentence_is_told_with_the_facts():
    assert str(BasketFull(basket="b1", count=3)) == "Basket 'b1' holds 3; take one out."


def test_the_facts_are_attributes():
    error = BasketFull(basket="b1", count=3)

    assert error.basket == "b1"
    assert error.count == 3
    assert error.facts == {"basket": "b1", "count": 3}


def test_facts_that_the_sentence_does_not_tell_are_kept():
    assert BasketFull(basket="b1", count=3, problems=["x"]).problems == ["x"]


def test_an_unknown_fact_is_an_attribute_error():
    error = BasketFull(basket="b1", count=3)

    with pytest.raises(AttributeError, match="BasketFull has no fact 'colour'"):
        _ = error.colour
    assert not hasattr(error, "colour")


def test_a_fact_that_the_sentence_needs_must_be_given():
    with pytest.raises(KeyError, match="count"):
        BasketFull(basket="b1")


def test_braces_in_a_fact_are_text():
    assert "{count.__class__}" in str(BasketFull(basket="{count.__class__}", count=3))


@pytest.mark.parametrize(
    "carried",
    [copy.copy, copy.deepcopy, lambda error: ForkingPickler.loads(ForkingPickler.dumps(error))],
    ids=["copied", "copied deeply", "sent to another process"],
)
def test_it_survives_being(carried):
    error = carried(BasketFull(basket="b1", count=3))

    assert type(error) is BasketFull
    assert str(error) == "Basket 'b1' holds 3; take one out."
    assert error.facts == {"basket": "b1", "count": 3}


def test_the_root_has_safe_defaults():
    error = CPDSError()

    assert error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert error.retryable is False
