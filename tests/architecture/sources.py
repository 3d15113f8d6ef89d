"""The project's own files, as the architecture tests read them."""

import ast
import functools
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("cpds", "config", "tasks_app", "workers_app")
NOT_OURS = frozenset({".git", ".venv", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def python_files(*packages: str) -> list[Path]:
    """Return the Python files of these packages, without migrations."""
    return sorted(
        file
        for package in packages
        for file in (ROOT / package).rglob("*.py")
        if "migrations" not in file.parts and "__pycache__" not in file.parts
    )


@functools.cache
def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def listed(offenders: Iterable[str]) -> str:
    """Return every offender on a line of its own: the message of a rule that is broken."""
    return "\n".join(["", *offenders])


def name_of(file: Path) -> str:
    """Return a file's path inside the project."""
    return file.relative_to(ROOT).as_posix()


def place_of(file: Path, node: ast.AST) -> str:
    """Return where a piece of syntax stands: ``path:line``."""
    return f"{name_of(file)}:{getattr(node, 'lineno', 0)}"


def nodes(file: Path) -> Iterator[ast.AST]:
    """Walk a file's syntax tree."""
    return ast.walk(parsed(file))


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the dotted name of everything a file imports, with its line."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for such an expression; calls in between are passed over; else an empty text."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            before = dotted(value)
            return f"{before}.{attr}" if before else attr
        case ast.Call(func=func):
            return dotted(func)
        case _:
            return ""


def kept_files() -> list[Path]:
    """Return every file under version control; without git, every file that is not made by a tool."""
    asked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True)
    if asked.returncode == 0 and asked.stdout:
        found = (ROOT / name for name in asked.stdout.split("\0") if name)
    else:
        found = (file for file in ROOT.rglob("*") if not NOT_OURS.intersection(file.relative_to(ROOT).parts))
    return sorted(file for file in found if file.is_file() and not file.is_symlink())
