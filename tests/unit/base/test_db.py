import logging

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from cpds.base import db
from cpds.base.db import TransactionRequired


@db.transaction_required
def double(number, *, plus=0):
    """Return twice the number."""
    return 2 * number + plus


class Broken(Exception):
    pass


def break_in_transaction(act):
    with db.transaction():
        act()
        raise Broken


def test_a_helper_refuses_to_work_without_its_callers_transaction(transactional_db):
    with pytest.raises(TransactionRequired, match="double needs an open transaction"):
        double(2)


def test_a_helper_works_inside_a_transaction(transactional_db):
    with db.transaction():
        assert double(2, plus=1) == 5


def test_a_helper_keeps_its_name_and_docstring():
    assert double.__name__ == "double"
    assert double.__doc__ == "Return twice the number."


def test_whether_a_transaction_is_open_is_known(transactional_db):
    assert not db.in_transaction()
    with db.transaction():
        assert db.in_transaction()
        with db.transaction():
            assert db.in_transaction()
        assert db.in_transaction()
    assert not db.in_transaction()


def test_a_transaction_commits(transactional_db):
    with db.transaction():
        Group.objects.create(name="kept")

    assert Group.objects.filter(name="kept").exists()


def test_any_exception_rolls_a_transaction_back(transactional_db):
    with pytest.raises(Broken):
        break_in_transaction(lambda: Group.objects.create(name="lost"))

    assert not Group.objects.filter(name="lost").exists()
    assert not db.in_transaction()


def test_what_runs_after_commit_sees_the_commit(transactional_db):
    seen = []

    with db.transaction():
        db.run_after_commit(lambda: seen.append((db.in_transaction(), Group.objects.count())))
        Group.objects.create(name="first")
        assert seen == []

    assert seen == [(False, 1)]


def test_nothing_runs_after_a_rollback(transactional_db):
    seen = []

    with pytest.raises(Broken):
        break_in_transaction(lambda: db.run_after_commit(lambda: seen.append("ran")))

    assert seen == []


def test_run_after_commit_refuses_when_nothing_will_be_committed(transactional_db):
    with pytest.raises(TransactionRequired):
        db.run_after_commit(lambda: None)


def test_an_error_after_the_commit_is_logged_and_stops_nobody(transactional_db, caplog):
    seen = []

    def broken():
        raise Broken("after the commit")

    with caplog.at_level(logging.ERROR), db.transaction():
        db.run_after_commit(broken)
        db.run_after_commit(lambda: seen.append("ran"))
        Group.objects.create(name="kept")

    assert seen == ["ran"]
    assert Group.objects.filter(name="kept").exists()
    assert "after the commit" in caplog.text


@pytest.mark.parametrize("has_weak_locks", [True, False])
def test_the_weak_lock_is_asked_for_where_there_is_one(monkeypatch, has_weak_locks):
    monkeypatch.setattr(connection.features, "has_select_for_no_key_update", has_weak_locks)

    locked = db.locking(Group.objects.all()).query

    assert (locked.select_for_update, locked.select_for_no_key_update) == (True, has_weak_locks)


def test_a_released_connection_comes_back_with_the_next_query(transactional_db):
    Group.objects.count()

    db.release_connection()

    assert connection.connection is None
    assert Group.objects.count() == 0


def test_a_connection_in_a_transaction_is_not_released(transactional_db):
    with db.transaction():
        Group.objects.create(name="kept")
        db.release_connection()

    assert Group.objects.filter(name="kept").exists()
