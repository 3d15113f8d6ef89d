"""What tokens cost: a table of dated prices that the operator edits, and the arithmetic.

A price is in US dollars for a million tokens, which is the same number in
millionths of a dollar for one token. A model without a price costs None,
never 0.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

logger = logging.getLogger(__name__)

Dollars = Annotated[
    Decimal,
    # A YAML float such as 0.1 must mean one tenth, not the nearest binary fraction.
    BeforeValidator(lambda value: str(value) if isinstance(value, float) else value),
    Field(ge=0, allow_inf_nan=False),
]


class PriceFileInvalid(ValueError):
    """The price file cannot be used. Correct the lines named; nothing of it was taken."""


class Price(BaseModel):
    """One row: what the models matching a pattern cost from a day on, for prompts up to a size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1)
    valid_from: date = date.min
    up_to_prompt_tokens: int | None = Field(default=None, ge=1)
    input: Dollars
    output: Dollars
    cache_write_5m: Dollars
    cache_write_1h: Dollars
    cache_read: Dollars

    def matches(self, model: str) -> bool:
        """Return whether the row is for ``model``, with or without a release date (``-20261001``)."""
        undated, _, release = model.rpartition("-")
        names = (model, undated) if len(release) == 8 and release.isdigit() else (model,)
        return any(fnmatchcase(name, self.model) for name in names)


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prices: list[Price]


@dataclass(frozen=True)
class PriceTable:
    """Every price known, and the models it has already warned about."""

    rows: Sequence[Price] = ()
    _warned: set[str] = field(default_factory=set, compare=False, repr=False)

    def price(self, model: str, *, prompt_tokens: int, at: date) -> Price | None:
        """Return the row for ``model`` on a day: the closest pattern, then the latest date, then its tier."""
        valid = [row for row in self.rows if row.valid_from <= at and row.matches(model)]
        if not valid:
            return None
        newest = max(valid, key=_precedence)
        tiers = [
            row for row in valid if _precedence(row) == _precedence(newest) and row.model == newest.model
        ]
        fitting = [
            row
            for row in tiers
            if row.up_to_prompt_tokens is None or prompt_tokens <= row.up_to_prompt_tokens
        ]
        return min(fitting, key=_tier_size, default=None)

    def warn_once(self, model: str) -> None:
        """Log that ``model`` has no price, the first time it is met."""
        if model not in self._warned:
            self._warned.add(model)
            logger.warning("model_without_price model=%s hint=add it to the price file", model)


def load_prices(path: Path) -> PriceTable:
    """Read the price file.

    :raises PriceFileInvalid: when it cannot be read, is not YAML, or holds a row that makes no sense.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows = _PriceFile.model_validate(content).prices
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PriceFileInvalid(f"The price file {path} cannot be read: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors())
        raise PriceFileInvalid(f"The price file {path} has mistakes. {problems}") from error
    _refuse_twins(path, rows)
    return PriceTable(tuple(rows))


def cost_usd_micros(model: str, tokens: Mapping[str, int], at: date, table: PriceTable) -> int | None:
    """Return what ``tokens`` cost in millionths of a dollar on a day; None (and one warning) without a price.

    ``tokens`` goes by the API's names. Tokens written to the cache without a
    word on how long they are kept are taken as kept for five minutes.
    """
    written = tokens.get("cache_creation_input_tokens", 0)
    kept_1h = min(tokens.get("ephemeral_1h_input_tokens", 0), written)
    read = tokens.get("cache_read_input_tokens", 0)
    fresh = tokens.get("input_tokens", 0)
    price = table.price(model, prompt_tokens=fresh + written + read, at=at)
    if price is None:
        table.warn_once(model)
        return None
    total = (
        fresh * price.input
        + (written - kept_1h) * price.cache_write_5m
        + kept_1h * price.cache_write_1h
        + read * price.cache_read
        + tokens.get("output_tokens", 0) * price.output
    )
    return int(total.quantize(Decimal(1), rounding=ROUND_HALF_UP))


_WILD: Final = frozenset("*?[")


def _precedence(row: Price) -> tuple[bool, int, date]:
    exact = not _WILD & set(row.model)
    return exact, len(row.model), row.valid_from


def _tier_size(row: Price) -> float:
    return float("inf") if row.up_to_prompt_tokens is None else row.up_to_prompt_tokens


def _refuse_twins(path: Path, rows: Sequence[Price]) -> None:
    seen: set[tuple[str, date, int | None]] = set()
    for number, row in enumerate(rows, start=1):
        key = (row.model, row.valid_from, row.up_to_prompt_tokens)
        if key in seen:
            raise PriceFileInvalid(
                f"The price file {path} has mistakes. row {number}: a second price for {row.model} "
                "with the same date and prompt size"
            )
        seen.add(key)


def _place(location: tuple[int | str, ...]) -> str:
    if len(location) >= 2 and location[0] == "prices" and isinstance(location[1], int):
        return " ".join([f"row {location[1] + 1}", *(str(step) for step in location[2:])])
    return ".".join(str(step) for step in location) or "the file"
