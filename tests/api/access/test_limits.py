"""How often one may ask."""

import pytest

from cpds.api.requests import counting
from cpds.api.responses.exports import NEXT_CURSOR
from cpds.base import clock
from tests.api.people import PASSWORD

pytestmark = pytest.mark.django_db
ME = "/api/v1/auth/me"


@pytest.fixture(autouse=True)
def _counts(broker, monkeypatch):
    """An empty Redis, and a minute that does not end during the test."""
    monkeypatch.setattr(counting.clock, "now", lambda now=clock.now: now().replace(second=5))
    monkeypatch.setattr(counting, "_quiet_until", float("-inf"))


def log_in(client, name="mine-viewer"):
    return client.post("/api/v1/auth/token", {"username": name, "password": "wrong"})


def test_a_token_may_ask_so_often_and_is_told_how_often_still(people, configured):
    configured(requests_per_minute=3)
    client = people.client("viewer")

    answers = [client.get(ME) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["RateLimit"] == '"default";r=2;t=55'
    assert answers[3].headers["Retry-After"] == "55"
    assert answers[3].body["code"] == 429


def test_a_page_of_a_site_that_was_named_may_read_what_is_told_beside_the_answer(
    people, configured, settings
):
    configured(requests_per_minute=3)
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

    told = people.client("viewer").get(ME, headers={"Origin": "https://app.example.com"})

    exposed = set(told.headers["Access-Control-Expose-Headers"].split(", "))
    counted = {name for name in told.headers if "ratelimit" in name.lower()}
    assert len(counted) == 5
    assert exposed >= counted | {NEXT_CURSOR, "ETag", "Location", "Retry-After", "Allow"}


def test_another_token_is_counted_for_itself(people, configured):
    configured(requests_per_minute=1)
    people.client("viewer").get(ME)

    assert people.client("editor").get(ME).status_code == 200


def test_strangers_are_counted_by_address_and_no_header_changes_that(people, configured):
    configured(requests_per_minute=2)

    told = [
        people.nobody().get(ME, headers={"X-Forwarded-For": f"192.0.2.{place}"}).status_code
        for place in range(3)
    ]

    assert told == [401, 401, 429]


def test_logins_are_counted_by_address(people, anybody, configured):
    configured(logins_per_minute=2)

    told = [log_in(anybody, f"user-{place}").status_code for place in range(3)]

    assert told == [401, 401, 429]


def test_logins_are_counted_by_name_from_wherever_they_come(people, anybody, configured):
    configured(logins_per_minute=2)

    told = [
        anybody.post(
            "/api/v1/auth/token",
            {"username": "mine-viewer", "password": PASSWORD if place == 2 else "wrong"},
            REMOTE_ADDR=f"192.0.2.{place}",
        ).status_code
        for place in range(3)
    ]

    assert told == [401, 401, 429]


def test_a_network_of_ipv6_is_one_address(people, anybody, configured):
    configured(logins_per_minute=1)

    told = [
        anybody.post(
            "/api/v1/auth/token",
            {"username": f"user-{place}", "password": "wrong"},
            REMOTE_ADDR=f"2001:db8::{place}",
        ).status_code
        for place in range(2)
    ]

    assert told == [401, 429]


def test_without_redis_nobody_is_held_up(people, configured, broker, caplog):
    configured(requests_per_minute=1)
    client = people.client("viewer")
    broker.stop()

    told = [client.get(ME) for _ in range(3)]

    assert [answer.status_code for answer in told] == [200, 200, 200]
    assert caplog.text.count("requests_not_counted") == 1
