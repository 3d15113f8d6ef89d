"""A process is frozen where nobody waits for it."""

import sqlite3

import pytest
from django.db import connection

from tests.support.freezing import freeze_between_transactions
from tests.support.processes import PythonProgram

HOLDS_THE_LOCK_MOST_OF_THE_TIME = """
import random, sqlite3, sys, time
from pathlib import Path
rows = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
while True:
    rows.execute("BEGIN IMMEDIATE")
    Path(sys.argv[2]).touch()
    time.sleep(random.uniform(0, 0.1))  # in no rhythm that another's could keep missing
    rows.execute("COMMIT")
    time.sleep(random.uniform(0, 0.02))
"""


class Writer(PythonProgram):
    def __init__(self, directory):
        self.begun = directory / "begun"
        arguments = ["-c", HOLDS_THE_LOCK_MOST_OF_THE_TIME, connection.settings_dict["NAME"], str(self.begun)]
        super().__init__(name="writer", directory=directory, arguments=arguments)

    def is_ready(self):
        return self.begun.exists()


@pytest.mark.django_db(transaction=True)
def test_a_frozen_process_keeps_nobody_from_writing(tmp_path, ended_after_test):
    writer = ended_after_test(Writer(tmp_path))
    writer.start()

    freeze_between_transactions(writer)

    other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.close()
