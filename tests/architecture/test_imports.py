"""What may be imported, and what is too heavy or too dangerous to be."""

import json
import subprocess
import sys

import pytest

from tests.architecture.sources import PRODUCT, ROOT, imports, name_of, python_files

SPEAKS_TO_ANTHROPIC = frozenset({"workers_app/agents/messages_api.py"})
SERIALIZERS_THAT_RUN_CODE = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"})
HEAVY = frozenset(
    {"anthropic", "pydantic", "httpx2", "rich", "jsonschema", "uvicorn", "hypothesis", "pytest"}
)
FILES = [*python_files(*PRODUCT), ROOT / "manage.py"]


def roots(file):
    return {name.split(".")[0] for name, _ in imports(file)}


@pytest.mark.parametrize("file", FILES, ids=name_of)
class TestEveryFile:
    def test_only_one_file_imports_anthropic(self, file):
        assert "anthropic" not in roots(file) or name_of(file) in SPEAKS_TO_ANTHROPIC

    def test_nothing_imports_a_serializer_that_runs_code(self, file):
        assert not roots(file) & SERIALIZERS_THAT_RUN_CODE

    def test_the_product_does_not_import_its_tests(self, file):
        assert not roots(file) & {"tests", "pytest", "hypothesis"}


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
