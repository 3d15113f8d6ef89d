"""What an executor may answer: outcomes, values before they are acts.

An executor returns one of these and changes nothing; the ledger decides what
follows (``planning.decisions``) and a service does it in one transaction.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

JSON: TypeAlias = Any
"""A JSON value: None, bool, int, float (finite), str, list, dict with str keys."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an attempt used and said, kept on its execution record whatever the outcome.

    ``tokens`` holds every kind of token the model counted, by the API's own
    names (``input_tokens``, ``output_tokens``, ``cache_read_input_tokens`` …).
    ``cost_usd_micros`` is millionths of a US dollar; None when no price is known.
    ``simulated`` marks everything a rehearsal made.
    """

    prompt: str | None = None
    answer: str | None = None
    model: str | None = None
    call_id: str | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    cost_usd_micros: int | None = None
    simulated: bool = False
    metadata: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LastBatch:
    """What a stream handed on last, whatever attempt did: where to go on from."""

    number: int
    item: JSON


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The work is done and ``output`` is its result."""

    output: JSON = None
    report: Report = Report()


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The work did not succeed.

    ``kind`` is a stable word for machines (``timeout``, ``rate_limit``,
    ``bad_input``, ``missing_program``, ``exit_code`` …); ``message`` is one
    sentence for people; ``detail`` holds facts. ``retryable`` says whether the
    same attempt could succeed later; ``retry_after_seconds`` is a server's own
    wish and wins over any policy. ``output`` is what the attempt left behind,
    for the record only (a command's stderr, half an answer).
    """

    kind: str
    message: str
    retryable: bool = False
    retry_after_seconds: float | None = None
    detail: dict[str, JSON] = field(default_factory=dict)
    output: JSON = None
    report: Report = Report()


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    """The work was stopped from outside (cancel, pause, lost claim, shutdown) before it was done."""

    reason: str
    report: Report = Report()


Outcome: TypeAlias = Completed | Failed | Interrupted
