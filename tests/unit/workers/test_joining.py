"""Registering is tried until the database lets it be done."""

import logging

import pytest
from django.db import InterfaceError, OperationalError

from workers_app.celery.joining import LONGEST_PAUSE_SECONDS, insist


def test_it_tries_again_with_longer_pauses_and_a_line_for_each(caplog):
    failures = [OperationalError("database is locked"), InterfaceError("connection already closed")] * 4
    pauses = []

    def act():
        if failures:
            raise failures.pop()

    with caplog.at_level(logging.WARNING):
        insist(act=act, worker="w1@here", rest=pauses.append)

    assert pauses == [0.5, 1, 2, 4, 8, *[LONGEST_PAUSE_SECONDS] * 3]
    lines = [record.message for record in caplog.records]
    assert len(lines) == 8
    assert all(line.startswith("worker_not_registered worker=w1@here error=") for line in lines)
    assert "why='database is locked'" in lines[-1]


def test_what_waiting_does_not_mend_rises_at_once():
    def act():
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        insist(act=act, worker="w1@here", rest=pytest.fail)
