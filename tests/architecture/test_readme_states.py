"""The README of the record and its table of legal moves say the same."""

import re

import pytest

from tasks_app.states import INSTANCE_MOVES, TASK_MOVES, RecordState
from tests.architecture.sources import ROOT

README = (ROOT / "tasks_app" / "README.md").read_text(encoding="utf-8")
LINE = re.compile(r"- `(?P<state>\w+)`(?: → (?P<targets>.+)|: the end)")


def moves_written_down(section):
    listed = README.split(f"<!-- {section} -->\n")[1].split("<!-- end -->")[0]
    found = [LINE.fullmatch(line) for line in listed.splitlines()]
    return {line["state"]: set(re.findall(r"`(\w+)`", line["targets"] or "")) for line in found}


@pytest.mark.parametrize(
    ("section", "moves"), [("task moves", TASK_MOVES), ("instance moves", INSTANCE_MOVES)]
)
def test_the_lists_are_the_table(section, moves):
    assert moves_written_down(section) == {
        state.value: {target.value for target in targets} for state, targets in moves.items()
    }


@pytest.mark.parametrize("state", RecordState)
def test_each_state_of_a_record_is_told(state):
    assert f"`{state}`" in README.split("## Execution record")[1]
