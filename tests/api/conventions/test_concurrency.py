"""What many clients ask at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from tasks_app.models import ApiToken, Membership, Project
from tests.api.people import everybody

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]
CLIENTS = 50


def all_at_once(ask, count=CLIENTS):
    """Return what ``ask(place)`` gave to each of so many threads that began together."""
    together = Barrier(count)

    def asked(place):
        try:
            together.wait(timeout=60)
            return ask(place)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(asked, range(count)))


def test_fifty_posts_with_one_key_make_one_object():
    root = everybody().superuser()
    body = {"slug": "garden", "name": "Garden"}

    told = all_at_once(lambda _: root.post("/api/v1/projects", body, headers={"Idempotency-Key": "k"}))

    assert {answer.status_code for answer in told} == {201}
    assert len({answer.content for answer in told}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in told) == 1
    assert Project.objects.filter(slug="garden").count() == 1


def test_fifty_tokens_with_one_key_are_one_and_its_secret_is_told_once():
    people = everybody()
    client = people.client("viewer")
    before = ApiToken.objects.count()

    told = all_at_once(
        lambda _: client.post("/api/v1/tokens", {"name": "t"}, headers={"Idempotency-Key": "k"})
    )

    assert {answer.status_code for answer in told} == {201}
    assert ApiToken.objects.count() == before + 1
    assert sum(answer.body["data"]["token"] is not None for answer in told) == 1


def test_two_admins_who_remove_each_other_leave_one():
    people = everybody()
    Membership.objects.filter(user=people.user("editor")).update(role="admin")
    names = ["mine-admin", "mine-editor"]
    clients = [people.client("editor"), people.client("admin")]

    all_at_once(lambda place: clients[place].delete(f"/api/v1/projects/mine/members/{names[place]}"), 2)

    assert Membership.objects.filter(project=people.mine, role="admin").count() == 1


def test_fifty_refreshes_with_one_token_end_the_login(anybody):
    everybody()
    given = {"username": "mine-viewer", "password": "correct horse battery staple"}
    tokens = anybody.post("/api/v1/auth/token", given).body["data"]

    told = all_at_once(lambda _: anybody.post("/api/v1/auth/refresh", {"refresh": tokens["refresh"]}))

    won = [answer for answer in told if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.status_code for answer in told} == {200, 401}
