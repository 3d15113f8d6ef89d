"""Programs are started from argument lists: there is never a shell."""

import ast

import pytest

from tests.architecture.sources import PRODUCT, ROOT, dotted, name_of, nodes, python_files

SHELLS = frozenset(
    {
        "os.system",
        "os.popen",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "asyncio.create_subprocess_shell",
    }
)


def uses_a_shell(node):
    if not isinstance(node, ast.Call):
        return False
    given = [keyword.value for keyword in node.keywords if keyword.arg == "shell"]
    off = all(isinstance(value, ast.Constant) and value.value is False for value in given)
    return not off or dotted(node.func) in SHELLS


@pytest.mark.parametrize("file", [*python_files(*PRODUCT), ROOT / "manage.py"], ids=name_of)
def test_nothing_uses_a_shell(file):
    assert [node.lineno for node in nodes(file) if uses_a_shell(node)] == []


@pytest.mark.parametrize(
    "line", ["subprocess.run('ls', shell=True)", "os.system('ls')", "run(x, shell=flag)"]
)
def test_a_shell_is_noticed(line):
    assert any(uses_a_shell(node) for node in ast.walk(ast.parse(line)))
