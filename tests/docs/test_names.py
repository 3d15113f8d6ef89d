"""What the documentation names exists, and what must be named is."""

import re
from dataclasses import MISSING, fields

import pytest

from cpds.base.conf import Conf
from tasks_app.cli.exit_codes import ExitCode
from tests.architecture.sources import PRODUCT, ROOT, python_files
from tests.docs.pages import OPERATIONS, PAGES, README, blocks, code_spans, named, prose, rows, section

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


def environment_table():
    return {names: row[1:] for row in rows(section(README, "Many machines")) for names in named(row[0])}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_environment_variable_named_is_read(page):
    unread = {
        name
        for name in VARIABLE.findall(page.read_text(encoding="utf-8"))
        if f'"{name}"' not in SOURCE and f'"{name.removesuffix("_FILE")}"' not in SOURCE
    }

    assert unread == set()


def test_every_environment_variable_that_is_read_is_in_the_table():
    product = "\n".join(file.read_text(encoding="utf-8") for file in python_files(*PRODUCT))
    read = {name for name in READ.findall(product) if VARIABLE.fullmatch(name)}

    assert len(read) > 15
    assert read - BETWEEN_CPDS_AND_ITS_CHILDREN <= set(environment_table())


def test_the_numbers_in_the_table_are_the_defaults():
    settings = (ROOT / "config/settings/base.py").read_text(encoding="utf-8")
    numbers = dict(re.findall(r'environment\.number\("(\w+)", ([\d.]+)\)', settings))

    assert numbers
    for name, default in numbers.items():
        assert environment_table()[name][0] == default


def test_files_are_taken_where_the_table_says_so():
    settings = "\n".join(file.read_text(encoding="utf-8") for file in python_files("config"))
    marked = {
        name for row in rows(section(README, "Many machines")) if "†" in row[0] for name in named(row[0])
    }
    read_as_text = set(re.findall(r'(?:text|_required)\(\s*"(\w+)"', settings))

    assert marked == read_as_text


def test_the_example_environment_names_only_variables_of_the_table():
    example = next(block for block in blocks("sh", pages=[README]) if "CPDS_MODE=cloud" in block.text)

    assert set(re.findall(r"^([A-Z_]+)=", example.text, re.MULTILINE)) <= set(environment_table())


def test_the_settings_are_all_there_with_their_defaults():
    written = {
        row[0].strip("`"): row[1].strip("`")
        for row in rows(section(OPERATIONS, "The settings that bound it"))
    }

    assert list(written) == [each.name for each in fields(Conf)]
    for each in fields(Conf):
        default = each.default if each.default is not MISSING else each.default_factory()
        assert written[each.name] == (str(default) if default else "none")


def test_the_exit_codes_are_all_there():
    written = {int(row[0]) for row in rows(section(README, "Commands")) if row[0].isdigit()}

    assert written == {int(code) for code in ExitCode}


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
        place.rstrip("/") for row in rows(section(README, "A map of the code")) for place in named(row[0])
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


def test_every_folder_of_tests_is_listed():
    listed = {place.rstrip("/") for row in rows(section(README, "Development")) for place in named(row[0])}
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
