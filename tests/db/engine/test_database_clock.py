"""The database's clock decides about leases and wake-ups, so it is tried on every kind of database."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from cpds.base import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def row():
    return User.objects.create(username="a-row")


def lease(row, seconds):
    User.objects.filter(pk=row.pk).update(last_login=clock.database_now_plus(seconds))
    return User.objects.filter(pk=row.pk)


def test_a_lease_in_the_future_is_held(row):
    held = lease(row, 0.5)

    assert held.filter(last_login__gt=clock.database_now()).exists()
    assert not held.filter(last_login__lte=clock.database_now()).exists()


def test_a_lease_in_the_past_has_ended(row):
    ended = lease(row, -0.01)

    assert ended.filter(last_login__lte=clock.database_now()).exists()
    assert not ended.filter(last_login__gt=clock.database_now()).exists()


@pytest.mark.parametrize("seconds", [-90_000, -1.25, 0.001, 30, 90_000, 31_536_000])
def test_a_span_is_kept_to_the_millisecond(row, seconds):
    User.objects.filter(pk=row.pk).update(
        date_joined=clock.database_now(), last_login=clock.database_now_plus(seconds)
    )

    row.refresh_from_db()

    assert abs(row.last_login - row.date_joined - timedelta(seconds=seconds)) <= timedelta(milliseconds=2)


def test_a_filter_may_be_moved_too(row):
    lease(row, -10)

    assert User.objects.filter(last_login__lt=clock.database_now_plus(-9)).exists()
    assert not User.objects.filter(last_login__lt=clock.database_now_plus(-11)).exists()


def test_the_database_and_this_process_agree_on_one_machine(row):
    lease(row, 0)

    row.refresh_from_db()

    assert abs(row.last_login - clock.now()) < timedelta(seconds=5)
