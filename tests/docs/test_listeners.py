"""What the page on listeners says is what they do."""

import pytest

from tasks_app.services.listeners.subscriptions import known_names
from tests.architecture.sources import ROOT
from tests.docs.pages import blocks, named, rows, section
from tests.unit.executors.http_server import a_server, reply
from tests.unit.listeners.builders import an_event
from workers_app.listeners.webhook import Webhook

pytestmark = pytest.mark.any_database
PAGE = ROOT / "docs" / "listeners.md"
SECRET = "correct-horse-battery-staple"


@pytest.fixture
def is_from_cpds():
    names = {}
    exec(next(block for block in blocks("python", pages=[PAGE]) if "hmac" in block.text).text, names)
    return names["is_from_cpds"]


class Headers(dict):
    def __getitem__(self, name):
        return super().__getitem__(name.lower())


def test_the_check_of_the_signature_works(is_from_cpds):
    with a_server() as server:
        server.answers["/"] = reply(200)
        Webhook(url=server.url("/"), secret=SECRET, allowed_hosts=["127.0.0.1"]).deliver(an_event())
    (request,) = server.received
    headers = Headers(request.headers)

    assert is_from_cpds(SECRET, headers, request.body)
    assert not is_from_cpds("another-secret-altogether", headers, request.body)
    assert not is_from_cpds(SECRET, headers, request.body + b" ")
    headers["x-cpds-timestamp"] = str(int(headers["X-CPDS-Timestamp"]) - 1)
    assert not is_from_cpds(SECRET, headers, request.body)


def test_every_event_that_other_programs_know_is_in_the_table():
    listed = {name for row in rows(section(PAGE, "Events")) for name in named(row[0])}

    assert listed <= known_names()
    assert {name for name in known_names() if name.startswith("workflow.")} <= listed
