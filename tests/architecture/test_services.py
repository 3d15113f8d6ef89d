"""The arguments of services have names at every call."""

import ast

from tests.architecture.sources import listed, name_of, parsed, python_files

FUNCTIONS = {
    f"{name_of(file)}:{node.name}": node
    for file in python_files(
        "tasks_app/services", "workers_app/fleet", "workers_app/attempts", "workers_app/transports"
    )
    for node in parsed(file).body
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_")
}


def by_place(function):
    asked = function.args
    return [argument.arg for argument in (*asked.posonlyargs, *asked.args, asked.vararg) if argument]


def test_every_argument_of_a_service_is_keyword_only():
    found = [
        f"{name}: {', '.join(by_place(function))}"
        for name, function in FUNCTIONS.items()
        if by_place(function)
    ]

    assert FUNCTIONS
    assert not found, listed(found)
