"""What is generated is as the code has it, and the README is short and shows what CPDS looks like."""

import re
import socket
from dataclasses import fields

import pytest

from cpds.base.conf import Conf
from docs.generate.commands import own_commands
from docs.generate.pages import BLOCKS, generated, marked, pages
from docs.generate.picture import PICTURE, Screen
from tasks_app.cli.exit_codes import MEANINGS, ExitCode
from tests.docs.pages import ARCHITECTURE, DOCS, PAGES, README, code_spans, rows, section

pytestmark = pytest.mark.any_database
LONGEST_README = 15_000


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: page.name)
def test_generating_a_page_anew_changes_nothing(page):
    text = page.read_text(encoding="utf-8")

    assert generated(text) == text, "make docs"


def test_every_block_stands_on_one_page():
    found = [name for page in pages() for name in marked(page.read_text(encoding="utf-8"))]

    assert sorted(found) == sorted(BLOCKS)


def test_every_setting_and_every_command_has_its_row():
    settings = {row[0].strip("`") for row in rows(section(DOCS / "settings.md", "CPDS's settings"))}

    assert settings == set(Conf.__dataclass_fields__)
    assert {"standalone", "workflow", "worker", "autoscale", "server"} <= set(own_commands())
    for command in own_commands():
        assert any(span.startswith(f"manage.py {command}") for span in code_spans(DOCS / "commands.md"))


def test_every_setting_and_exit_code_has_its_sentence():
    assert set(MEANINGS) == set(ExitCode)
    for each in Conf.__dataclass_fields__.values():
        assert each.metadata["meaning"].endswith((".", ".`"))


def test_a_verb_has_the_options_that_django_has_too():
    [rerun] = re.findall(
        r"^### instance rerun$.*?^###? ", (DOCS / "commands.md").read_text(), re.DOTALL | re.MULTILINE
    )

    assert "`--version N`" in rerun


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_default_told_in_the_text_is_the_default(page):
    defaults = {each.metadata["env"]: each.default for each in fields(Conf) if each.metadata["env"]}
    told = re.findall(r"`(CPDS_\w+)` \(([\d.,]+)\)", page.read_text(encoding="utf-8"))

    assert all(float(number.replace(",", "")) == defaults[name] for name, number in told)


def test_the_spans_that_the_architecture_tells_are_the_defaults():
    text = " ".join(ARCHITECTURE.read_text(encoding="utf-8").split())

    assert (
        f"A claim lasts {Conf.lease_seconds} seconds and is renewed every {Conf.heartbeat_seconds}," in text
    )
    assert f"Every {Conf.sweep_seconds} seconds a sweep" in text
    assert f"at most {Conf.chain_piece} in a message" in text
    assert f"(at least {Conf.window_minimum})" in text


def test_the_readme_is_short():
    assert len(README.read_bytes()) <= LONGEST_README


def test_the_picture_is_there_and_shows_nothing_of_the_machine_that_made_it():
    svg = PICTURE.read_text(encoding="utf-8")

    assert f"docs/{PICTURE.name}" in README.read_text(encoding="utf-8")
    assert "feature-delivery" in svg
    assert "completed" in svg
    assert socket.gethostname() not in svg
    assert set(re.findall(r"(?<=[\s;=>])/(\w+/\w+)", svg.replace("&#160;", " "))) <= {"srv/cpds"}
    assert "@font-face" not in svg


def test_a_screen_follows_what_a_live_view_writes():
    screen = Screen()

    screen.write("ready\nbar 1\n  task a\r\x1b[2K\x1b[1A\x1b[2Ktable\nbar \x1b[1m2\x1b[0m")

    assert screen.text() == "ready\ntable\nbar \x1b[1m2\x1b[0m"
