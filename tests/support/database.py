"""How another process finds the test database."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

SCHEMES = {
    "django.db.backends.postgresql": "postgres",
    "django.db.backends.mysql": "mysql",
}
NOT_FOR_URLS = frozenset({"options", "transaction_mode", "timeout", "init_command"})


def url_of_test_database(settings: Mapping[str, Any]) -> str:
    """Return the URL of the database that a connection's settings name now.

    Options that the settings modules add by themselves are left to them.
    """
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        return f"sqlite:///{settings['NAME']}"
    account = quote(settings["USER"], safe="")
    if settings["PASSWORD"]:
        account += ":" + quote(settings["PASSWORD"], safe="")
    place = settings["HOST"] + (f":{settings['PORT']}" if settings["PORT"] else "")
    options = {name: value for name, value in settings["OPTIONS"].items() if name not in NOT_FOR_URLS}
    asked = f"?{urlencode(options)}" if options else ""
    return f"{SCHEMES[settings['ENGINE']]}://{account}@{place}/{quote(settings['NAME'], safe='')}{asked}"
