"""The tests wait for what they need; they do not sleep and hope."""

import ast

from tests.architecture.sources import dotted, listed, name_of, nodes, place_of, python_files

MAY_SLEEP = frozenset(
    {"tests/support/waiting.py", "tests/support/functions_for_tests.py", "tests/chaos/functions.py"}
)
SLEEPS = frozenset({"time.sleep", "sleep", "asyncio.sleep"})


def test_no_test_sleeps():
    found = [
        place_of(file, node)
        for file in python_files("tests")
        if name_of(file) not in MAY_SLEEP
        for node in nodes(file)
        if isinstance(node, ast.Call) and dotted(node.func) in SLEEPS
    ]

    assert not found, listed(found)
