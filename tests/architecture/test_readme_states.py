"""The README of the record and its table of legal moves say the same."""

import re

from tasks_app.states import INSTANCE_MOVES, TASK_MOVES, RecordState
from tests.architecture.sources import ROOT, listed

README = (ROOT / "tasks_app" / "README.md").read_text(encoding="utf-8")
LINE = re.compile(r"- `(?P<state>\w+)`(?: → (?P<targets>.+)|: the end)")


def moves_written_down(section):
    listed = README.split(f"<!-- {section} -->\n")[1].split("<!-- end -->")[0]
    found = [LINE.fullmatch(line) for line in listed.splitlines()]
    return {line["state"]: set(re.findall(r"`(\w+)`", line["targets"] or "")) for line in found}


def differences(section, moves):
    written = moves_written_down(section)
    table = {state.value: {target.value for target in targets} for state, targets in moves.items()}
    return [f"{section}: {state}" for state in {*written, *table} if written.get(state) != table.get(state)]


def test_the_lists_are_the_table():
    wrong = [*differences("task moves", TASK_MOVES), *differences("instance moves", INSTANCE_MOVES)]

    assert not wrong, listed(wrong)


def test_each_state_of_a_record_is_told():
    told = README.split("## Execution record")[1]
    untold = [state for state in RecordState if f"`{state}`" not in told]

    assert not untold, listed(untold)
