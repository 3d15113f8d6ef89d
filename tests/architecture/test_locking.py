"""Which lock a database can give is known in one place."""

from tests.architecture.sources import PRODUCT, name_of, python_files


def test_only_the_ground_knows_which_databases_have_which_locks():
    knowing = [
        name_of(file) for file in python_files(*PRODUCT) if "no_key" in file.read_text(encoding="utf-8")
    ]

    assert knowing == ["cpds/base/db.py"]
