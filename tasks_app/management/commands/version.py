"""``manage.py version``: which CPDS this is, and what it stands on."""

import platform

import celery
import django
from django.db import connection

from cpds import __version__
from cpds.base.conf import conf
from tasks_app.cli.command import CliCommand, Options
from tasks_app.cli.output import Output


class Command(CliCommand):
    """Print versions; the database is not asked."""

    help = "Print the versions of CPDS and of its dependencies."
    examples = ("version", "version --json")

    def perform(self, out: Output, options: Options) -> None:
        """Print them."""
        del options
        facts = {
            "version": __version__,
            "python": platform.python_version(),
            "django": django.get_version(),
            "celery": celery.__version__,
            "database": connection.vendor,
            "mode": conf().mode,
        }
        if out.as_json:
            out.document(facts)
            return
        out.line(f"CPDS {__version__}")
        for name in ("python", "django", "celery", "database", "mode"):
            out.line(f"{name.capitalize() + ':':<10}{facts[name]}")
