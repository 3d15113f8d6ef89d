"""Every anticipated error tells machines its code and people what to do."""

import importlib

import tasks_app.errors
from cpds.base.errors import CPDSError
from tests.architecture.sources import PRODUCT, ROOT, listed, python_files


def kinds(root=CPDSError):
    return {kind for child in root.__subclasses__() for kind in {child, *kinds(child)}}


MODULES = sorted(
    file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for file in python_files(*PRODUCT)
    if file.name.endswith("errors.py")
)
for module in MODULES:
    importlib.import_module(module)  # whatever the order of the tests, every error is known here

OURS = sorted(
    (kind for kind in kinds() if not kind.__module__.startswith("tests.")),
    key=lambda kind: (kind.__module__, kind.__name__),
)


def test_the_errors_are_found():
    assert tasks_app.errors.StaleDispatch in OURS
    assert {
        "cpds.base.errors",
        "cpds.host.standalone.errors",
        "tasks_app.errors",
        "workers_app.errors",
    } <= set(MODULES)


def told(kinds):
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]


def test_every_error_stands_in_a_module_of_errors():
    strays = told(kind for kind in OURS if kind.__module__ not in MODULES)

    assert not strays, listed(strays)


def test_every_error_has_a_code_of_its_own():
    known = [kind.code for kind in OURS]
    shared = [
        f"{name}: {kind.code}"
        for name, kind in zip(told(OURS), OURS, strict=True)
        if known.count(kind.code) > 1
    ]

    assert not shared, listed(shared)


def test_every_docstring_says_what_to_do():
    silent = told(kind for kind in OURS if not (kind.__doc__ or "").strip().endswith("."))

    assert not silent, listed(silent)


def test_every_sentence_is_its_own_and_ends():
    endless = told(
        kind for kind in OURS if kind.sentence == CPDSError.sentence or kind.sentence[-1:] not in {*".:}"}
    )

    assert not endless, listed(endless)
