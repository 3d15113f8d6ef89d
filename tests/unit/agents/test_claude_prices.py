"""What tokens cost, by the table that ships and by tables of one's own."""

from datetime import date
from pathlib import Path

import pytest

from workers_app.agents.prices import PriceFileInvalid, PriceTable, cost_usd_micros, load_prices

PRICE_FILE = Path(__file__).parents[3] / "config" / "model_prices.yaml"
TODAY = date(2026, 11, 20)
MILLION = 1_000_000
ROW = "{model: m, input: 1, output: 2, cache_write_5m: 3, cache_write_1h: 4, cache_read: 0.5}"


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return load_prices(PRICE_FILE)


def a_table(tmp_path, *rows) -> PriceTable:
    return load_prices(a_file(tmp_path, "prices: [" + ", ".join(rows) + "]"))


def a_file(tmp_path, text) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("model", "dollars_in", "dollars_out"),
    [
        ("claude-fable-5-1", 10, 50),
        ("claude-opus-5-5", 4, 20),
        ("claude-sonnet-5-5", 2, 10),
        ("claude-opus-5", 5, 25),
        ("claude-sonnet-5", 2, 10),
        ("claude-haiku-4-5", 1, 5),
        ("claude-haiku-4-5-20251001", 1, 5),
    ],
)
def test_the_table_that_ships_prices_the_models_of_today(table, model, dollars_in, dollars_out):
    cost = cost_usd_micros(model, {"input_tokens": MILLION, "output_tokens": MILLION}, TODAY, table)

    assert cost == (dollars_in + dollars_out) * MILLION


def test_every_kind_of_token_has_its_price(table):
    tokens = {
        "input_tokens": 1000,
        "output_tokens": 1000,
        "cache_creation_input_tokens": 1000,
        "ephemeral_5m_input_tokens": 400,
        "ephemeral_1h_input_tokens": 600,
        "cache_read_input_tokens": 1000,
    }

    assert cost_usd_micros("claude-opus-5-5", tokens, TODAY, table) == 4000 + 20_000 + 2000 + 4800 + 200


def test_cache_writes_of_untold_length_are_taken_as_the_short_ones(table):
    tokens = {"cache_creation_input_tokens": 1000}

    assert cost_usd_micros("claude-opus-5-5", tokens, TODAY, table) == 5000


@pytest.mark.parametrize(
    ("tokens", "micros"),
    [
        ({"input_tokens": 100_000}, 10_000),
        ({"input_tokens": 100_001}, 50_001),  # 50000.5, rounded half up
        ({"input_tokens": 1, "cache_read_input_tokens": 99_999}, 1000),
        ({"input_tokens": 1, "cache_read_input_tokens": 100_000}, 5001),
        ({"input_tokens": 1, "cache_creation_input_tokens": 100_000}, 62_501),
        ({"input_tokens": 100_000, "output_tokens": 100_000}, 60_000),
    ],
)
def test_haiku_is_dearer_for_prompts_above_100k_tokens_cached_ones_included(table, tokens, micros):
    assert cost_usd_micros("claude-haiku-5-5", tokens, TODAY, table) == micros


def test_a_price_counts_from_its_day_on(table):
    tokens = {"cache_read_input_tokens": MILLION}

    assert cost_usd_micros("claude-sonnet-5-5", tokens, date(2026, 10, 6), table) == 200_000
    assert cost_usd_micros("claude-sonnet-5-5", tokens, date(2026, 10, 7), table) == 100_000


def test_an_unknown_model_has_no_cost_and_is_warned_about_once(table, caplog):
    costs = [cost_usd_micros("claude-nobody-9", {"input_tokens": 5}, TODAY, table) for _ in range(3)]

    assert costs == [None, None, None]
    assert caplog.text.count("model_without_price model=claude-nobody-9") == 1


def test_a_longer_name_is_not_taken_for_a_shorter_one(table):
    assert cost_usd_micros("claude-opus-5-9", {"input_tokens": 5}, TODAY, table) is None


def test_a_pattern_prices_a_family_and_an_exact_name_wins_over_it(tmp_path):
    family = ROW.replace("model: m", "model: 'house-*'").replace("input: 1", "input: 9")
    table = a_table(tmp_path, family, ROW.replace("model: m", "model: house-small"))

    assert cost_usd_micros("house-large", {"input_tokens": 10}, TODAY, table) == 90
    assert cost_usd_micros("house-small", {"input_tokens": 10}, TODAY, table) == 10


def test_a_price_of_the_future_does_not_count_yet(tmp_path):
    table = a_table(tmp_path, ROW.replace("{", "{valid_from: 2027-01-01, "))

    assert cost_usd_micros("m", {"input_tokens": 10}, TODAY, table) is None


def test_a_prompt_above_the_last_tier_has_no_price(tmp_path):
    table = a_table(tmp_path, ROW.replace("{", "{up_to_prompt_tokens: 10, "))

    assert cost_usd_micros("m", {"input_tokens": 10}, TODAY, table) == 10
    assert cost_usd_micros("m", {"input_tokens": 11}, TODAY, table) is None


def test_fractions_of_a_cent_are_exact(tmp_path):
    table = a_table(tmp_path, ROW.replace("input: 1", "input: 0.1"))

    assert cost_usd_micros("m", {"input_tokens": 3 * MILLION}, TODAY, table) == 300_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prices: [", "cannot be read"),
        ("- nothing", "the file"),
        ("prices: [{model: m}]", "row 1 input: Field required"),
        (f"prices: [{ROW}, {ROW.replace('input: 1', 'input: -1')}]", "row 2 input"),
        (f"prices: [{ROW.replace('input: 1', 'input: .nan')}]", "row 1 input"),
        (f"prices: [{ROW.replace('{', '{colour: red, ')}]", "row 1 colour"),
        (f"prices: [{ROW}, {ROW}]", "row 2: a second price for m"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path, text, told):
    with pytest.raises(PriceFileInvalid, match=r"prices\.yaml") as refused:
        load_prices(a_file(tmp_path, text))

    assert told in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PriceFileInvalid, match=r"absent\.yaml"):
        load_prices(tmp_path / "absent.yaml")
