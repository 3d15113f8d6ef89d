"""What the documentation names exists, and what must be named is."""

import re
import tomllib

import pytest

from config.settings.variables import VARIABLES
from docs.generate.settings import variable_names
from tests.architecture.sources import PRODUCT, ROOT, python_files
from tests.docs.pages import (
    ARCHITECTURE,
    CONTRIBUTING,
    DEPLOY,
    PAGES,
    blocks,
    code_spans,
    named,
    prose,
    rows,
    section,
)

pytestmark = pytest.mark.any_database

VARIABLE = re.compile(
    r"\b(?:CPDS_[A-Z_]+[A-Z]|ANTHROPIC_[A-Z_]+[A-Z]|DATABASE_URL|SECRET_KEY|DJANGO_SETTINGS_MODULE)\b"
)
SOURCE = "\n".join(
    file.read_text(encoding="utf-8") for file in [ROOT / "manage.py", *python_files(*PRODUCT, "tests")]
)
BETWEEN_CPDS_AND_ITS_CHILDREN = {"CPDS_COMMAND_ID"}
READ = re.compile(r"""(?:environ(?:\.get\(|\[)|environment\.\w+\(|_required\(|text\()\s*"([A-Z_]+)\"""")

READERS_OWN = {
    *("my.yaml", "params.yaml", "hello.yaml", "bad.yaml", "rules.yaml", "results.json", "cpds.env"),
    *("my_functions.py", "my_workflow.py", "config/settings/mine.py", "cpds_functions.py"),
    *("beat2.pid", "celerybeat.pid"),
    *("docker/.env", "docker/k8s/secret.yaml"),
    "deployments/systemd/task-engine.service",
}
MADE_WHILE_RUNNING = re.compile(
    r"^(?:var(?:/.*)?|logs/|work/|run\.json|secret_key|db\.sqlite3(?:-wal)?|\w+\.log|\.log\.1|\.venv.*)$"
)
NO_FILE = re.compile(r"^(?:\.\.\.|text|application)/")
"""The end of an address of the API, or a media type."""
PATH = re.compile(r"^\.?[\w.-]+(?:/[\w.-]*)+$|^[\w-]+\.(?:py|md|yaml|toml|txt|json|log)$")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_environment_variable_named_is_read(page):
    unread = {
        name
        for name in VARIABLE.findall(page.read_text(encoding="utf-8"))
        if f'"{name}"' not in SOURCE and f'"{name.removesuffix("_FILE")}"' not in SOURCE
    }

    assert unread == set()


def test_every_environment_variable_that_is_read_is_declared():
    product = "\n".join(file.read_text(encoding="utf-8") for file in python_files(*PRODUCT))
    read = {name for name in READ.findall(product) if VARIABLE.fullmatch(name)}

    assert len(read) > 15
    assert read - BETWEEN_CPDS_AND_ITS_CHILDREN <= set(variable_names())


def test_a_variable_says_that_it_may_be_a_file_when_it_may():
    product = "\n".join(file.read_text(encoding="utf-8") for file in python_files("config", "cpds"))
    read_as_text = set(re.findall(r'(?:text|_required)\(\s*"(\w+)"', product))

    assert {each.name for each in VARIABLES.values() if each.is_text} == read_as_text


def test_the_example_environment_names_only_variables_that_are_read():
    example = next(block for block in blocks("sh", pages=[DEPLOY]) if "CPDS_MODE=cloud" in block.text)

    assert set(re.findall(r"^([A-Z_]+)=", example.text, re.MULTILINE)) <= set(variable_names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_named_exists(page):
    paths = {
        span
        for span in code_spans(page)
        if PATH.match(span) and "://" not in span and not NO_FILE.match(span)
    }
    missing = {
        path
        for path in paths - READERS_OWN
        if not MADE_WHILE_RUNNING.match(path) and not _is_there(path) and not path.startswith("/")
    }

    assert missing == set()


def _is_there(path):
    return (ROOT / path).exists() or any(any((ROOT / each).rglob(path)) for each in PRODUCT)


def test_every_room_of_the_code_is_on_the_map():
    mapped = {
        place.rstrip("/") for row in rows(section(ARCHITECTURE, "The packages")) for place in named(row[0])
    }
    inside = {place for place in mapped if "/" in place}
    rooms = {
        each.relative_to(ROOT).as_posix()
        for app in ("cpds", "tasks_app", "workers_app")
        for each in (ROOT / app).iterdir()
        if each.is_dir() and any(each.glob("*.py")) and each.name not in {"migrations", "__pycache__"}
    }

    missing = {
        room for room in rooms if not any(place == room or place.startswith(f"{room}/") for place in inside)
    }
    assert missing <= {"workers_app/models", "workers_app/management"}


def test_every_package_of_the_services_is_in_its_table_in_the_order_of_its_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(
        each["layers"] for each in contracts["contracts"] if each.get("containers") == ["tasks_app.services"]
    )
    table = [set(named(row[0])) for row in rows(section(ARCHITECTURE, "The services of the record"))]

    assert table == [set(re.split(r" [|:] ", layer)) for layer in layers]


def test_every_folder_of_tests_is_listed():
    listed = {place.rstrip("/") for row in rows(section(CONTRIBUTING, "Tests")) for place in named(row[0])}
    folders = {f"tests/{each.name}" for each in (ROOT / "tests").iterdir() if any(each.rglob("test_*.py"))}

    assert folders <= listed


def _anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "tasks_app/README.md"], ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked.read_text(encoding="utf-8")), target
