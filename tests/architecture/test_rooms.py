"""Where modules stand: rooms of about a dozen, and nothing far from its only user."""

from collections import Counter

from tests.architecture.sources import PRODUCT, ROOT, imports, python_files

MOST_MODULES = 12
MOST_SERVICES = 16
LARGER = {
    "tasks_app/models": "one file for each table, found by the table's name",
}
"""Folders with more modules, each with its reason."""

CONTAINERS = ("tasks_app.services", "tasks_app.planning")
"""Where a module that serves a single other one lies in that one's package."""


def module_of(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rooms():
    return Counter(
        file.parent.relative_to(ROOT).as_posix()
        for file in python_files(*PRODUCT)
        if file.name not in {"__init__.py", "__main__.py"}
    )


def test_no_folder_holds_more_than_about_a_dozen_modules():
    crowded = {room: count for room, count in rooms().items() if count > MOST_MODULES and room not in LARGER}

    assert crowded == {}


def test_every_exception_is_one():
    assert {room for room in LARGER if rooms()[room] <= MOST_MODULES} == set()


def test_the_services_are_few_enough_to_know():
    packages = [
        each for each in (ROOT / "tasks_app" / "services").iterdir() if (each / "__init__.py").exists()
    ]

    assert len(packages) <= MOST_SERVICES


def test_every_package_says_what_it_is_for():
    silent = [
        file.parent.relative_to(ROOT).as_posix()
        for container in CONTAINERS
        for file in python_files(container.replace(".", "/"))
        if file.name == "__init__.py" and not file.read_text(encoding="utf-8").startswith('"""')
    ]

    assert silent == []


def test_a_module_with_a_single_user_lies_beside_it():
    files = {module_of(file): file for file in python_files(*PRODUCT)}
    users = {module: set() for module in files}
    for module, file in files.items():
        for name, _line in imports(file):
            if name in users:
                users[name].add(module)

    far = {
        module: user
        for module, (user, *others) in ((module, sorted(by)) for module, by in users.items() if by)
        for container in CONTAINERS
        if not others
        and module.startswith(f"{container}.")
        and user.startswith(f"{container}.")
        and not user.startswith(module.rpartition(".")[0])
    }

    assert far == {}
