from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from cpds.base.conf import Conf, conf


def test_what_the_settings_leave_out_has_its_default(settings):
    settings.CPDS = {}

    assert conf() == Conf()


def test_the_settings_override_a_default(settings):
    settings.CPDS = {"lease_seconds": 3, "allowed_hosts": ["db.internal:8000"]}

    assert conf().lease_seconds == 3
    assert conf().allowed_hosts == ["db.internal:8000"]
    assert conf().heartbeat_seconds == Conf().heartbeat_seconds


def test_values_are_read_when_they_are_used(settings):
    settings.CPDS = {"sweep_seconds": 1}
    first = conf()
    settings.CPDS = {"sweep_seconds": 2}

    assert (first.sweep_seconds, conf().sweep_seconds) == (1, 2)


def test_no_settings_at_all_mean_the_defaults(settings):
    del settings.CPDS

    assert conf() == Conf()


def test_the_settings_cannot_be_written_to():
    with pytest.raises(FrozenInstanceError):
        Conf().lease_seconds = 1


def test_defaults_are_not_shared():
    Conf().allowed_hosts.append("127.0.0.1")

    assert Conf().allowed_hosts == []


def test_the_state_directory_is_a_path():
    assert Conf(state_dir="a b").state_path == Path("a b")


def test_a_lease_outlives_two_lost_renewals_by_default():
    assert Conf().heartbeat_seconds * 3 <= Conf().lease_seconds


def test_the_tests_own_state_directory_is_in_force():
    assert conf().state_path != Path("var")
    assert conf().state_path.is_dir()
