"""What the environment says of settings is read as their types ask for."""

from dataclasses import MISSING, fields
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment
from config.settings.variables import VARIABLES
from cpds.base.conf import Conf

pytestmark = pytest.mark.any_database
SAMPLES = {
    float: ("7.5", 7.5),
    int: ("7", 7),
    bool: ("yes", True),
    str: ("here", "here"),
    list[str]: ("a, b,", ["a", "b"]),
    list[Any]: ('[{"listener": "email"}]', [{"listener": "email"}]),
    dict[str, int]: ('{"gpu": 2}', {"gpu": 2}),
}
SET = [each for each in fields(Conf) if each.metadata["env"]]


@pytest.mark.parametrize("setting", SET, ids=lambda each: each.name)
def test_a_variable_sets_its_setting(setting, monkeypatch):
    given, expected = SAMPLES[setting.type]
    monkeypatch.setenv(setting.metadata["env"], given)

    assert environment.overrides([setting]) == {setting.name: expected}


@pytest.mark.parametrize("setting", SET, ids=lambda each: each.name)
def test_without_its_variable_a_setting_has_its_default(setting, monkeypatch):
    monkeypatch.delenv(setting.metadata["env"], raising=False)
    default = setting.default if setting.default is not MISSING else setting.default_factory()

    assert environment.overrides([setting]) == {setting.name: default}


def test_a_variable_of_the_table_has_its_default_there(monkeypatch):
    for name in ("CPDS_SMTP_PORT", "CPDS_SSL_REDIRECT", "CPDS_MAIL_FROM"):
        monkeypatch.delenv(name, raising=False)

    assert environment.number("CPDS_SMTP_PORT") == VARIABLES["CPDS_SMTP_PORT"].default == 25
    assert environment.flag("CPDS_SSL_REDIRECT") is True
    assert environment.text("CPDS_MAIL_FROM") == "cpds@localhost"


@pytest.mark.parametrize("given", ["many", "-1", "nan", "inf"])
def test_what_is_no_number_is_refused_by_the_name_of_its_variable(given, monkeypatch):
    monkeypatch.setenv("CPDS_WEB_THREADS", given)

    with pytest.raises(ImproperlyConfigured, match="CPDS_WEB_THREADS"):
        environment.overrides([each for each in SET if each.name == "web_threads"])
