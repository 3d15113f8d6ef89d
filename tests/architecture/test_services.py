"""The arguments of services have names at every call that gives more than one."""

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
    """Return the arguments that may be given by place; the only one of all may."""
    asked = function.args
    places = [*asked.posonlyargs, *asked.args]
    is_only_one = len(places) == 1 and not (asked.vararg or asked.kwonlyargs or asked.kwarg)
    return [] if is_only_one else [argument.arg for argument in (*places, asked.vararg) if argument]


def test_from_two_on_the_arguments_of_a_service_are_keyword_only():
    found = [
        f"{name}: {', '.join(by_place(function))}"
        for name, function in FUNCTIONS.items()
        if by_place(function)
    ]

    assert FUNCTIONS
    assert not found, listed(found)
