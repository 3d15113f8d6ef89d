"""``manage.py version``."""

import re

import cpds


def test_people_read_it_on_the_first_line(run):
    assert run("version").lines[0] == f"CPDS {cpds.__version__}"


def test_programs_get_what_it_stands_on(run):
    facts = run("version", "--json").json

    assert facts["version"] == cpds.__version__
    assert all(re.match(r"\d+\.\d+", facts[name]) for name in ("python", "django", "celery"))
    assert set(facts) == {"version", "python", "django", "celery", "database", "mode"}
