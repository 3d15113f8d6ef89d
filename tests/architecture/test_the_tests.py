"""The tests wait for what they need; they do not sleep and hope."""

import ast

import pytest

from tests.architecture.sources import dotted, name_of, nodes, python_files

MAY_SLEEP = frozenset(
    {"tests/support/waiting.py", "tests/support/functions_for_tests.py", "tests/chaos/functions.py"}
)
SLEEPS = frozenset({"time.sleep", "sleep", "asyncio.sleep"})


@pytest.mark.parametrize("file", python_files("tests"), ids=name_of)
def test_no_test_sleeps(file):
    sleeps = [
        node.lineno for node in nodes(file) if isinstance(node, ast.Call) and dotted(node.func) in SLEEPS
    ]

    assert sleeps == [] or name_of(file) in MAY_SLEEP
