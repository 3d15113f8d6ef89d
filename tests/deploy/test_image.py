"""What the image is built from, and what it is started as."""

import json
import os
import re
import shlex

import pytest

from tests.architecture.sources import ROOT
from tests.deploy.files import (
    DOCKER,
    ENTRYPOINT,
    OF_THE_ENTRYPOINT,
    OF_THE_INTERPRETER,
    PORT,
    ROLES,
    instructions,
    variables_read,
)

pytestmark = pytest.mark.any_database


def of(instruction):
    return [rest for word, rest in instructions() if word == instruction]


def test_packages_are_made_in_a_stage_of_their_own():
    stages = of("FROM")

    assert [re.search(r" AS (\w+)$", stage)[1] for stage in stages[:-1]] == [
        "packages",
        "production",
        "development",
    ]
    assert stages[-1] == "production"


def test_it_runs_as_an_ordinary_account():
    assert of("USER")[0] == of("USER")[-1] == "10001:10001"
    assert "--uid 10001" in " ".join(of("RUN"))


def test_everything_is_compiled():
    assert "PYTHONDONTWRITEBYTECODE" not in str(instructions())
    assert any("pip install" in each and "--compile" in each for each in of("RUN"))
    assert any("compileall" in each for each in of("RUN"))


def test_what_is_copied_exists_and_is_not_ignored():
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [each.split()[:-1] for each in of("COPY") if not each.startswith("--from")]

    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored
    rooms = {each.parent.name for each in ROOT.glob("*/__init__.py")} - {"docs", "tests"}
    assert rooms <= {source for sources in copied for source in sources}


def test_every_variable_set_is_read():
    names = {name for each in of("ENV") for name in re.findall(r"(\w+)=", each)}

    assert names <= variables_read() | OF_THE_INTERPRETER | OF_THE_ENTRYPOINT


def test_it_starts_the_entry_point_and_asks_it_for_its_health():
    assert json.loads(of("ENTRYPOINT")[0])[-1] == "/opt/cpds/docker/entrypoint.sh"
    assert json.loads(of("CMD")[0]) == ["web"]
    check = of("HEALTHCHECK")[0]
    assert json.loads(check[check.index("CMD ") + 4 :]) == ["/opt/cpds/docker/entrypoint.sh", "health"]
    assert of("EXPOSE") == [str(PORT)]


def test_the_entry_point_is_a_plain_script_that_can_be_run():
    assert os.access(ENTRYPOINT, os.X_OK)
    text = ENTRYPOINT.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert set(re.findall(r"^(\w+)\)$", text, re.MULTILINE)) == set(ROLES)


def test_each_process_takes_the_place_of_the_script():
    started = re.findall(
        r"^\s*(?:exec )?python (?:-m|manage\.py).*\"\$@\"$", ENTRYPOINT.read_text(), re.MULTILINE
    )

    assert len(started) == 5
    assert all(shlex.split(line)[0] == "exec" for line in started)
