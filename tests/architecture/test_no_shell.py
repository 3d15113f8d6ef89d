"""Programs are started from argument lists: there is never a shell."""

import ast

from tests.architecture.sources import PRODUCT, ROOT, dotted, listed, nodes, place_of, python_files

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


def test_nothing_uses_a_shell():
    files = [*python_files(*PRODUCT), ROOT / "manage.py"]
    found = [place_of(file, node) for file in files for node in nodes(file) if uses_a_shell(node)]

    assert not found, listed(found)


def test_a_shell_is_noticed():
    lines = ["subprocess.run('ls', shell=True)", "os.system('ls')", "run(x, shell=flag)"]

    assert [line for line in lines if not any(map(uses_a_shell, ast.walk(ast.parse(line))))] == []
