"""Wrong settings are found before anything starts, each with an id and a hint."""

import re

import pytest
from django.core.checks import run_checks

from tasks_app.checks import TAG, check_settings
from tests.architecture.sources import PRODUCT, ROOT, python_files
from workers_app import functions
from workers_app.checks import refuse_what_cannot_work


@pytest.fixture
def found(settings, monkeypatch):
    def found(**overrides):
        monkeypatch.setattr(functions, "_loaded", False)
        settings.CPDS = {**settings.CPDS, **overrides}
        return [(each.id, str(each.msg)) for each in run_checks(tags=[TAG])]

    return found


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(functions, "_functions", dict(functions._functions))

    def module(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return name

    return module


def test_the_settings_as_they_are_have_nothing_wrong(found):
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lease_seconds", 0),
        ("heartbeat_seconds", -1),
        ("sweep_seconds", 0),
        ("redeliver_seconds", float("nan")),
        ("drain_seconds", -0.1),
        ("losses_to_quarantine", 0),
        ("losses_to_quarantine", 1.5),
        ("window_per_slot", 0),
        ("window_minimum", 0),
        ("chain_piece", 0),
        ("default_timeout_seconds", 0),
        ("output_bytes", "4 MiB"),
        ("lease_seconds", float("inf")),
        ("lease_seconds", True),
        ("lease_seconds", None),
    ],
)
def test_a_number_out_of_bounds_is_named(found, name, value):
    ((identifier, message),) = found(**{name: value})

    assert (identifier, name in message) == ("cpds.E001", True)


def test_a_lease_needs_three_renewals(found):
    assert [each for each, _ in found(lease_seconds=30, heartbeat_seconds=10)] == []
    assert [each for each, _ in found(lease_seconds=30, heartbeat_seconds=11)] == ["cpds.E002"]


def test_a_setting_of_no_such_name_is_a_warning_that_names_the_one_meant(settings):
    settings.CPDS = {**settings.CPDS, "lease_second": 30}

    (warning,) = check_settings()

    assert (warning.id, warning.hint) == ("cpds.W001", "Did you mean 'lease_seconds'?")


def test_a_module_of_functions_that_is_not_there(found):
    ((identifier, message),) = found(function_modules=["no_such_module"])

    assert (identifier, "no_such_module" in message) == ("cpds.E003", True)


def test_two_functions_of_one_name(found, module):
    text = "from workers_app.functions import task_function\n@task_function('twice')\ndef {}(): ...\n"
    modules = [module("cpds_check_one", text.format("one")), module("cpds_check_two", text.format("two"))]

    ((identifier, message),) = found(function_modules=modules)

    assert (identifier, "'twice' is registered twice" in message) == ("cpds.E003", True)


def test_a_function_with_the_name_of_an_executor(found, module):
    text = "from workers_app.functions import task_function\n@task_function('claude')\ndef mine(): ...\n"

    ((identifier, message),) = found(function_modules=[module("cpds_check_shadowed", text)])

    assert (identifier, "'claude'" in message) == ("cpds.E006", True)


@pytest.mark.parametrize("path", ["no.such.thing", "no_dot", "sys.version", ""])
def test_a_service_that_cannot_be_had(found, path):
    ((identifier, message),) = found(services={"db": path})

    assert (identifier, "'db'" in message) == ("cpds.E004", True)


def test_services_that_can_be_had(found):
    assert found(services={"made": "collections.OrderedDict", "there": object()}) == []


@pytest.mark.parametrize("content", [None, "prices: [", "prices: [{model: x}]"])
def test_a_price_file_that_cannot_be_used(found, tmp_path, content):
    file = tmp_path / "prices.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    ((identifier, message),) = found(model_prices_file=str(file))

    assert (identifier, str(file) in message) == ("cpds.E005", True)


def test_a_program_that_cannot_work_ends_with_a_line_for_each_reason(found, capsys):
    found(lease_seconds=0, services={"db": "no.such.thing"})

    with pytest.raises(SystemExit) as ended:
        refuse_what_cannot_work()

    assert ended.value.code == 2
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "cpds.E001",
        "cpds.E004",
    ]


def test_every_check_is_in_the_manual():
    code = "\n".join(file.read_text(encoding="utf-8") for file in python_files(*PRODUCT))
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")

    assert set(re.findall(r"`(cpds\.[EW]\d{3})`", page)) == set(re.findall(r'id="(cpds\.[EW]\d{3})"', code))
