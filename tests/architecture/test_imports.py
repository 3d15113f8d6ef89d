"""What may be imported, and what is too heavy or too dangerous to be."""

import json
import subprocess
import sys

from tests.architecture.sources import PRODUCT, ROOT, imports, listed, name_of, python_files

SPEAKS_TO_ANTHROPIC = frozenset({"workers_app/agents/messages_api.py"})
SERIALIZERS_THAT_RUN_CODE = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"})
HEAVY = frozenset(
    {"anthropic", "pydantic", "httpx2", "rich", "jsonschema", "uvicorn", "hypothesis", "pytest"}
)
FILES = [*python_files(*PRODUCT), ROOT / "manage.py"]


def importers_of(names, *, but=frozenset()):
    """Return where the product imports one of these packages."""
    return [
        f"{name_of(file)}:{line}: {name}"
        for file in FILES
        for name, line in imports(file)
        if name.split(".")[0] in names and name_of(file) not in but
    ]


def test_only_one_file_imports_anthropic():
    found = importers_of({"anthropic"}, but=SPEAKS_TO_ANTHROPIC)

    assert not found, listed(found)


def test_nothing_imports_a_serializer_that_runs_code():
    found = importers_of(SERIALIZERS_THAT_RUN_CODE)

    assert not found, listed(found)


def test_the_product_does_not_import_its_tests():
    found = importers_of({"tests", "pytest", "hypothesis"})

    assert not found, listed(found)


def said_by(program):
    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return json.loads(asked.stdout)


def test_starting_celery_and_django_imports_nothing_heavy():
    program = (
        "import json, sys, cpds.celery, django\n"
        "django.setup()\n"
        f"print(json.dumps(sorted(set(sys.modules) & set({sorted(HEAVY)}))))"
    )

    assert said_by(program) == []


def test_every_thread_of_a_django_process_publishes_by_the_celery_app_of_cpds():
    program = (
        "import json, django, config\n"
        "config.choose_settings()\n"
        "django.setup()\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from celery import current_app\n"
        "print(json.dumps(ThreadPoolExecutor(1).submit(lambda: current_app.main).result()))"
    )

    assert said_by(program) == "cpds"


def test_a_worker_starts_without_the_web_servers_pages():
    program = (
        "import json, sys\n"
        "from cpds.celery import app\n"
        "app.loader.import_default_modules()\n"
        "print(json.dumps([name in sys.modules for name in ('workers_app.celery.tasks', 'cpds.urls')]))"
    )

    assert said_by(program) == [True, False]


def test_a_process_that_ends_collects_nothing_first():
    program = (
        "import atexit, gc, cpds.celery, django\n"
        "atexit.register(lambda: print(gc.get_freeze_count()))\n"  # the last to be asked
        "django.setup()"
    )

    assert said_by(program) > 10_000
