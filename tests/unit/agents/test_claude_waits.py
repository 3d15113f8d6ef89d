"""A call to Claude lets go of what is kept open for it before it waits."""

from dataclasses import replace

from tasks_app.outcomes import Completed
from tests.unit.rehearsal.stage import staged


def test_it_tells_that_it_is_about_to_wait_before_it_asks():
    told = []
    with staged({"text": "Hello."}) as stage:
        call = replace(
            stage.call(prompt="Say hello"), before_waiting=lambda: told.append(list(stage.app.requests))
        )
        outcome = stage.executor().execute(call)

    assert isinstance(outcome, Completed)
    assert told == [[]]
