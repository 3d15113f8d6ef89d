"""The engine's fixtures, and threads that start together, each on a connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from tests.db.conftest import doorbell, fleet

__all__ = ["doorbell", "fleet", "together"]


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Call functions at the same moment, each in a thread; return what each returned or raised."""

    def call(*functions: Callable[[], Any]) -> list[Any]:
        start = threading.Barrier(len(functions))
        answers: list[Any] = [None] * len(functions)

        def run(place: int, function: Callable[[], Any]) -> None:
            try:
                start.wait(30)
                answers[place] = function()
            except Exception as error:
                answers[place] = error
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=each) for each in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    return call
