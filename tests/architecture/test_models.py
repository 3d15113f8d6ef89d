"""A model file that nobody imports has no table, and makemigrations says nothing."""

import ast

from tests.architecture.sources import ROOT, dotted, imports, listed, name_of, nodes


def defines_a_table(file):
    bases = (base for node in nodes(file) if isinstance(node, ast.ClassDef) for base in node.bases)
    return any(dotted(base).split(".")[-1].endswith("Model") for base in bases)


MODEL_FILES = [
    file
    for app in ("tasks_app", "workers_app")
    for file in sorted((ROOT / app / "models").glob("*.py"))
    if file.name != "__init__.py" and defines_a_table(file)
]


def is_imported_by_its_package(file):
    package = ".".join(file.parent.relative_to(ROOT).parts)
    return f"{package}.{file.stem}" in dict(imports(file.parent / "__init__.py"))


def test_every_model_file_is_imported_by_its_package():
    missing = [name_of(file) for file in MODEL_FILES if not is_imported_by_its_package(file)]

    assert MODEL_FILES
    assert not missing, listed(missing)
