import pytest

from config.settings import databases
from tests.support.database import url_of_test_database

PLACES = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////tmp/a b/test.sqlite3",
        "postgres://cpds@/test_cpds?host=%2Ftmp%2FA-b",
        "postgres://ann:p%40ss%2Fword@127.0.0.1:5433/test_cpds",
    ],
)
def test_another_process_opens_the_same_database(url):
    here = {"USER": "", "PASSWORD": "", "HOST": "", "PORT": "", **databases.from_url(url)}

    there = {
        "USER": "",
        "PASSWORD": "",
        "HOST": "",
        "PORT": "",
        **databases.from_url(url_of_test_database(here)),
    }

    assert {name: str(there[name]) for name in PLACES} == {name: str(here[name]) for name in PLACES}
