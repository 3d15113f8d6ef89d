"""What was committed is found by its mark, what was not is done again, and nothing is assumed."""

import pytest
from django.db import InterfaceError, OperationalError

from cpds.base import db
from cpds.base.in_doubt import settle_in_doubt

BROKEN = OperationalError("the connection broke")


class Refused(Exception):
    pass


class Act:
    """Answers as told, one after the other: an error is raised, anything else is returned."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def dropped(monkeypatch):
    """Count how often the connection was dropped."""
    dropped = []
    monkeypatch.setattr(db, "drop_broken_connection", lambda: dropped.append(True))
    return dropped


def test_what_goes_well_asks_nobody(dropped):
    assert settle_in_doubt(Act("done"), was_done=Act()) == "done"
    assert dropped == []


@pytest.mark.parametrize("error", [BROKEN, InterfaceError("connection already closed")])
def test_what_the_rows_know_is_not_done_again(dropped, error):
    assert settle_in_doubt(Act(error), was_done=Act("by its mark")) == "by its mark"
    assert dropped == [True]


def test_what_the_rows_do_not_know_is_done_again_on_a_new_connection(dropped):
    assert settle_in_doubt(Act(BROKEN, "second"), was_done=Act(None)) == "second"
    assert dropped == [True]


def test_what_was_found_may_be_false():
    assert settle_in_doubt(Act(BROKEN), was_done=Act(False)) is False


def test_a_refusal_means_that_the_first_commit_came_through_late():
    assert settle_in_doubt(Act(BROKEN, Refused()), was_done=Act(None, "the first")) == "the first"


def test_a_refusal_that_the_rows_do_not_explain_is_passed_on():
    with pytest.raises(Refused):
        settle_in_doubt(Act(BROKEN, Refused()), was_done=Act(None, None))


def test_a_refusal_without_doubt_asks_nobody():
    with pytest.raises(Refused):
        settle_in_doubt(Act(Refused()), was_done=Act())


def test_what_breaks_once_more_is_raised(dropped):
    last = OperationalError("again")

    with pytest.raises(OperationalError) as raised:
        settle_in_doubt(Act(BROKEN, last), was_done=Act(None))

    assert raised.value is last
    assert dropped == [True, True]


def test_a_look_that_breaks_is_taken_again():
    found = settle_in_doubt(Act(BROKEN), was_done=Act(BROKEN, BROKEN, "found"), retries=range(3))

    assert found == "found"


def test_the_rows_are_asked_before_each_attempt():
    asked = Act(None, None, "the second")

    assert settle_in_doubt(Act(BROKEN, BROKEN, BROKEN), was_done=asked, retries=range(3)) == "the second"
    assert asked.answers == []


def test_without_retries_the_first_error_is_raised():
    with pytest.raises(OperationalError):
        settle_in_doubt(Act(BROKEN), was_done=Act(), retries=())


def test_what_may_be_done_twice_is_just_done_again():
    assert settle_in_doubt(Act(BROKEN, "second"), was_done=None) == "second"


def test_inside_a_callers_transaction_the_error_is_raised_at_once(transactional_db, dropped):
    with db.transaction(), pytest.raises(OperationalError):
        settle_in_doubt(Act(BROKEN, "second"), was_done=Act("found"))

    assert dropped == []
