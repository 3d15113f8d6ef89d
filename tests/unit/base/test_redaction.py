import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpds.base.redaction import HIDDEN, MAX_DEPTH, hide, is_secret_name, redact, redact_text

CANARY = "canary-7c1e0b52"
_EDGE = "-----{} RSA PRIVATE" + " KEY-----"
# Built from parts, so that no scanner takes them for real ones.
SECRET_TEXTS = {
    "an Anthropic key": "sk-" + "ant-api03-AbCdEfGh_ijkl-MnOp",
    "another provider's key": "sk-" + "A1b2C3d4E5f6G7h8I9j0K1",
    **{f"a GitHub token of kind {kind}": f"gh{kind}_A1b2C3d4E5f6G7h8I9j0K1" for kind in "pousr"},
    **{f"a token of ours, {kind}": f"cpds_{kind}_0a1b2c3d4e5f6a7b8c9d" for kind in ("pat", "wrk")},
    "an AWS key id": "AK" + "IA0123456789ABCDEF",
    "a JSON web token": "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xyz.c2lnbmF0dXJlX2hlcmU",
    "a private key": "\n".join([_EDGE.format("BEGIN"), "MIIEow", "AKCAQEA", _EDGE.format("END")]),
}
SECRET_NAMES = [
    "Authorization", "authorization", "Proxy-Authorization", "Cookie", "set-cookie", "password",
    "db_password", "passwd", "secret", "client_secret", "SECRET_KEY", "api_key", "apikey", "apiKey",
    "X-Api-Key", "ANTHROPIC_API_KEY", "access_key", "private_key", "token", "access_token", "refreshToken",
    "auth-token", "worker_token", "x.token", "credentials", "credential",
]  # fmt: skip
PLAIN_NAMES = [
    "tokens", "input_tokens", "max_tokens", "name", "author", "passenger", "secretary", "keyboard", "key",
    "id", "tokenizer", "cookies_accepted",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_that_announces_a_secret_hides_its_value(name):
    assert is_secret_name(name)
    assert redact({name: CANARY}) == {name: HIDDEN}
    assert redact({name: {"nested": [CANARY]}}) == {name: HIDDEN}


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_other_names_hide_nothing(name):
    assert not is_secret_name(name)
    assert redact({name: 12}) == {name: 12}


def test_a_secret_that_is_not_there_is_said_to_be_missing():
    assert redact({"password": None}) == {"password": None}


@pytest.mark.parametrize("secret", SECRET_TEXTS.values(), ids=SECRET_TEXTS)
@pytest.mark.parametrize("around", ["{}", "key={}", "said '{}', then left", "a\n{}\nb", '{{"k": "{}"}}'])
def test_a_text_loses_what_looks_like(secret, around):
    redacted = redact_text(around.format(secret))

    assert secret not in redacted
    assert redacted == around.format(HIDDEN)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abcdefgh12345678==", f"Authorization: Bearer {HIDDEN}"),
        ("authorization: bearer abcdefgh12345678", f"authorization: bearer {HIDDEN}"),
        ("postgres://cpds:hunter2@db:5432/cpds", f"postgres://{HIDDEN}@db:5432/cpds"),
        ("redis://:hunter2@redis:6379/0", f"redis://{HIDDEN}@redis:6379/0"),
    ],
)
def test_credentials_in_headers_and_addresses_are_hidden(text, redacted):
    assert redact_text(text) == redacted


def test_what_stands_between_two_private_keys_stays():
    key = SECRET_TEXTS["a private key"]

    assert redact_text(f"{key} and {key}") == f"{HIDDEN} and {HIDDEN}"


@pytest.mark.parametrize(
    "text",
    ["", "sk-", "a risk-free task-list", "http://example.com:80/a@b", "user@example.com", "eyJ", "数据 🙂"],
)
def test_harmless_texts_stay_as_they_are(text):
    assert redact_text(text) == text


def test_known_values_are_hidden_wherever_they_stand():
    value = {"a": [f"x{CANARY}y", {"b": (CANARY,)}], "c": 1}

    assert redact(value, known=[CANARY]) == {"a": [f"x{HIDDEN}y", {"b": [HIDDEN]}], "c": 1}


def test_a_known_value_that_contains_another_is_hidden_whole():
    assert redact_text("abcdefgh", known=["abcd", "abcdefgh"]) == HIDDEN


def test_known_values_are_hidden_in_names_too():
    assert CANARY not in str(redact({CANARY: 1, "b": {f"x-{CANARY}": 2}}, known=[CANARY]))


def test_known_values_may_be_given_once_only():
    assert CANARY not in str(redact([CANARY, [CANARY, CANARY]], known=iter([CANARY])))


def test_a_known_value_too_short_to_mean_anything_is_let_be():
    assert redact_text("the cat", known=["", "at"]) == "the cat"


@pytest.mark.parametrize(
    ("value", "shown"), [(98765, HIDDEN), (98.76, HIDDEN), (12, 12), (1234, 1234), (True, True)]
)
def test_a_known_number_is_hidden_when_it_is_long_enough_to_mean_anything(value, shown):
    assert hide([value], known=["98765", "98.76", "12", "True"]) == [shown]


@pytest.mark.parametrize(("levels", "is_shown"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_as_many_levels_are_shown_as_are_said(levels, is_shown):
    value = "plain"
    for _ in range(levels):
        value = [value]

    assert ("plain" in str(redact(value))) is is_shown


def test_what_lies_too_deep_is_hidden_whole():
    value = CANARY
    for _ in range(MAX_DEPTH + 10):
        value = [value]

    assert CANARY not in str(redact(value))
    assert HIDDEN in str(redact(value))


def test_a_value_deep_enough_to_break_recursion_is_survived():
    value = []
    for _ in range(100_000):
        value = [value]

    assert HIDDEN in str(redact(value))


def test_the_input_is_not_changed():
    value = {"password": "p", "list": [{"token": "t"}, CANARY]}
    before = copy.deepcopy(value)

    redact(value, known=[CANARY])

    assert value == before


@pytest.mark.parametrize("value", [None, True, 0, 1.5, float("inf"), [], {}, ""])
def test_values_that_hold_no_text_pass(value):
    assert redact(value) == value


texts = st.one_of(
    st.text(alphabet=st.characters(codec=None)),
    st.builds("{}{}{}".format, st.text(), st.sampled_from([CANARY, *SECRET_TEXTS.values()]), st.text()),
)
names = st.one_of(st.text(), st.sampled_from([*SECRET_NAMES, *PLAIN_NAMES, f"of-{CANARY}"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(names, inner)),
    max_leaves=30,
)


@settings(deadline=None)
@given(values)
def test_no_canary_survives_and_nothing_raises(value):
    assert CANARY not in str(redact(value, known=[CANARY]))


@settings(deadline=None)
@given(values)
def test_redacting_again_changes_nothing(value):
    once = redact(value, known=[CANARY])

    assert str(redact(once, known=[CANARY])) == str(once)


@settings(deadline=None)
@given(st.text(), st.lists(st.text(min_size=4), max_size=4))
def test_any_known_value_is_gone(text, known):
    redacted = redact_text("".join([text, *known]), known=known)

    assert not [secret for secret in known if secret in redacted.replace(HIDDEN, "\n")]
