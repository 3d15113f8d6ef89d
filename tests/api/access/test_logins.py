"""Tokens of logins: what is taken, and what never is."""

import base64
import json
from datetime import timedelta

import jwt
import pytest
from django.conf import settings

from cpds.base import clock
from tasks_app.models import Event, Login
from tasks_app.services.access import logins
from tests.api.people import PASSWORD, ApiClient

pytestmark = pytest.mark.django_db
ME = "/api/v1/auth/me"


@pytest.fixture
def tokens(people, anybody):
    """The tokens of a viewer who has just logged in."""
    return log_in(anybody, "mine-viewer").body["data"]


def log_in(client, name, password=PASSWORD):
    return client.post("/api/v1/auth/token", {"username": name, "password": password})


def status_of(token):
    return ApiClient(token).get(ME).status_code


def refreshed(client, token):
    return client.post("/api/v1/auth/refresh", {"refresh": token})


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def signed(claims, key=None, algorithm="HS256", **headers):
    return jwt.encode(
        claims, key if key is not None else str(settings.SECRET_KEY), algorithm, headers=headers
    )


def unsigned(claims, algorithm):
    parts = [{"alg": algorithm, "typ": "JWT"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, ""])


class TestLoggingIn:
    def test_it_gives_tokens_that_are_good(self, people, tokens):
        me = ApiClient(tokens["access"]).get(ME).body["data"]

        assert me == {
            "username": "mine-viewer",
            "kind": "user",
            "is_superuser": False,
            "projects": [{"project": "mine", "role": "viewer"}],
        }
        assert (tokens["access_seconds"], tokens["refresh_seconds"]) == (900, 604_800)

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("mine-viewer", "wrong"),
            ("no such user", PASSWORD),
            ("mine-viewer", "x" * 1024),
            ("off", PASSWORD),
        ],
    )
    def test_whatever_is_wrong_the_same_is_said(self, people, anybody, name, password):
        people.stranger.username, people.stranger.is_active = "off", False
        people.stranger.save()

        told = log_in(anybody, name, password)

        assert told.status_code == 401
        assert told.body["message"].startswith("The name or the password is wrong.")

    def test_a_nul_in_the_name_is_a_mistake(self, people, anybody):
        assert log_in(anybody, "a\0b").status_code == 400

    def test_it_is_in_the_ledger_without_the_password(self, people, tokens):
        event = Event.objects.get(kind="login.begun")

        assert event.data["by"] == "mine-viewer"
        assert event.data["address"] == "127.0.0.1"
        assert PASSWORD not in str(event.data)

    def test_no_token_is_kept(self, people, tokens):
        row = Login.objects.values().get()

        assert not any(str(value) in tokens.values() for value in row.values())


class TestRefreshing:
    def test_it_gives_the_next_pair(self, people, tokens, anybody):
        next_pair = refreshed(anybody, tokens["refresh"]).body["data"]

        assert status_of(next_pair["access"]) == 200
        assert refreshed(anybody, next_pair["refresh"]).status_code == 200

    def test_a_token_used_twice_ends_the_whole_login(self, people, tokens, anybody):
        next_pair = refreshed(anybody, tokens["refresh"]).body["data"]

        assert refreshed(anybody, tokens["refresh"]).status_code == 401

        assert refreshed(anybody, next_pair["refresh"]).status_code == 401
        assert status_of(next_pair["access"]) == 401
        assert Event.objects.filter(kind="login.reused").count() == 1

    def test_other_logins_of_the_user_go_on(self, people, tokens, anybody):
        other = log_in(anybody, "mine-viewer").body["data"]
        refreshed(anybody, tokens["refresh"])
        refreshed(anybody, tokens["refresh"])

        assert status_of(other["access"]) == 200

    def test_an_access_token_is_none(self, people, tokens, anybody):
        assert refreshed(anybody, tokens["access"]).status_code == 401


class TestLoggingOut:
    def test_nothing_of_the_login_is_good_any_more(self, people, tokens, anybody):
        assert anybody.post("/api/v1/auth/logout", {"refresh": tokens["refresh"]}).status_code == 204

        assert status_of(tokens["access"]) == 401
        assert refreshed(anybody, tokens["refresh"]).status_code == 401

    def test_it_may_be_said_again(self, people, tokens, anybody):
        for _ in range(2):
            assert anybody.post("/api/v1/auth/logout", {"refresh": tokens["refresh"]}).status_code == 204


class TestAtOnce:
    def test_a_deactivated_user(self, people, tokens):
        user = people.user("viewer")
        user.is_active = False
        user.save()

        assert status_of(tokens["access"]) == 401

    def test_a_changed_password(self, people, tokens, anybody):
        user = people.user("viewer")
        user.set_password("another one entirely")
        user.save()

        assert status_of(tokens["access"]) == 401
        assert refreshed(anybody, tokens["refresh"]).status_code == 401

    def test_a_deleted_user(self, people, tokens):
        people.user("viewer").delete()

        assert status_of(tokens["access"]) == 401

    def test_a_user_who_was_removed_from_the_project(self, people, tokens):
        people.user("viewer").memberships.all().delete()

        assert ApiClient(tokens["access"]).get("/api/v1/projects/mine").status_code == 403


class TestForgeries:
    @pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE"])
    def test_without_a_signature(self, people, tokens, algorithm):
        assert status_of(unsigned(claims_of(tokens["access"]), algorithm)) == 401

    @pytest.mark.parametrize("key", ["", "x" * 50, "secret"])
    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    def test_with_another_key(self, people, tokens, key):
        assert status_of(signed(claims_of(tokens["access"]), key or "0" * 40)) == 401

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    def test_with_another_algorithm(self, people, tokens, algorithm):
        assert status_of(signed(claims_of(tokens["access"]), algorithm=algorithm)) == 401

    @pytest.mark.parametrize(
        "headers",
        [
            {"kid": "../../dev/null"},
            {"kid": "' OR 1=1 --"},
            {"jku": "http://127.0.0.1:9/keys"},
            {"x5u": "http://127.0.0.1:9/cert"},
        ],
    )
    def test_headers_that_name_a_key_change_nothing(self, people, tokens, headers):
        forged = signed(claims_of(tokens["access"]), "1" * 40, **headers)

        assert status_of(forged) == 401

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": 1},
            {"exp": -1},
            {"exp": 1.5},
            {"exp": "soon"},
            {"exp": 1e30},
            {"exp": None},
            {"exp": []},
            {"nbf": 99_999_999_999},
            {"iat": 99_999_999_999},
            {"token_type": "refresh"},
            {"token_type": None},
            {"sub": "1 OR 1=1"},
            {"sub": {}},
            {"sub": None},
            {"sub": "999999"},
            {"login": "x" * 32},
            {"login": None},
            {"login": {}},
            {"seal": "x"},
            {"seal": None},
            {"seal": 5},
            {"jti": None},
        ],
        ids=str,
    )
    def test_claims_that_do_not_fit(self, people, tokens, changes):
        claims = {**claims_of(tokens["access"]), **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        try:
            token = signed(claims)
        except TypeError:  # the library itself refuses to write it
            return

        assert status_of(token) == 401

    def test_a_refresh_token_as_an_access_token(self, people, tokens):
        assert status_of(tokens["refresh"]) == 401

    def test_an_expired_one(self, people, tokens, configured):
        claims = claims_of(tokens["access"])
        claims["exp"] = int((clock.now() - timedelta(seconds=1)).timestamp())

        assert status_of(signed(claims)) == 401

    @pytest.mark.parametrize(
        "header",
        [
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Bearer a.b.c",
            "Basic YTpi",
            "Token x",
            "Bearer x, Bearer y",
            "Bearer " + "x" * 100_000,
            "Bearer cpds_pat_",
            "Bearer cpds_pat_" + "0" * 40,
            "Bearer cpds_wrk_\x7f",
            "Bearer é",
        ],
    )
    def test_other_headers(self, people, header):
        assert ApiClient(Authorization=header).get(ME).status_code == 401

    def test_a_token_in_the_query_is_not_seen(self, people, tokens, anybody):
        assert (
            anybody.get(f"{ME}?token={tokens['access']}&access_token={tokens['access']}").status_code == 401
        )


def test_login_rows_that_ran_out_are_deleted(people, tokens, monkeypatch):
    from tasks_app.services.maintenance import garbage

    garbage._expired.forget()
    Login.objects.update(expires_at=clock.now() - timedelta(days=1))

    assert garbage.delete_expired() == 1
    assert not Login.objects.exists()


def test_two_uses_at_once_have_one_winner(people, tokens, anybody, monkeypatch):
    """The loser has read the row before the winner wrote it."""
    living = logins._living
    first = []

    def raced(claims):
        row = living(claims)
        if not first:
            first.append(True)
            first.append(refreshed(anybody, tokens["refresh"]).status_code)
        return row

    monkeypatch.setattr(logins, "_living", raced)

    assert refreshed(ApiClient(), tokens["refresh"]).status_code == 401
    assert first[1] == 200
