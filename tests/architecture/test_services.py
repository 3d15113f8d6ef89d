"""The arguments of services have names at every call."""

import ast

import pytest

from tests.architecture.sources import name_of, parsed, python_files

FUNCTIONS = {
    f"{name_of(file)}:{node.name}": node
    for file in python_files(
        "tasks_app/services", "workers_app/fleet", "workers_app/attempts", "workers_app/transports"
    )
    for node in parsed(file).body
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_")
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_service_is_keyword_only(name):
    asked = FUNCTIONS[name].args
    by_place = [argument.arg for argument in (*asked.posonlyargs, *asked.args, asked.vararg) if argument]

    assert by_place == []
