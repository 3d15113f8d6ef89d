"""What becomes of one delivered message: a claim on its task, or word whether its canvas may go on."""

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tasks_app.errors import StaleDispatch
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.gates.evaluate import GateResult, evaluate_gates
from tasks_app.services.lookup.requirements import is_for_others

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Declined:
    """There is nothing to execute: the task was skipped, waits, failed at a gate, or is not to be had."""

    canvas_goes_on: bool


def take_task(
    *,
    task_id: int,
    dispatch_id: str,
    worker: str,
    able: Collection[str] = (),
    serves: Collection[int] | None = None,
) -> Claim | Declined:
    """Lead a delivered task through its gates and claim it.

    ``able``: the requirement sets that the worker meets. ``serves``: the projects whose
    tasks it takes (None: any).
    """
    facts: dict[str, Any] = {
        "task_id": task_id,
        "dispatch_id": dispatch_id,
        "worker": worker,
        "able": able,
        "serves": serves,
    }
    claim = _claim_if_open(**facts)
    if claim is None:
        passage = lead_through_gates(**facts)
        if passage is GateResult.SKIPPED:
            return Declined(canvas_goes_on=True)
        if passage is GateResult.OPEN:
            claim = _claim_if_open(**facts)
    return _stale(task_id, dispatch_id, able, serves) if claim is None else claim


def lead_through_gates(
    *,
    task_id: int,
    dispatch_id: str,
    worker: str,
    able: Collection[str] = (),
    serves: Collection[int] | None = None,
) -> GateResult:
    """Lead a delivered task through its gates; return what became of it.

    Where a gate cannot be judged the task fails, as an attempt of this worker.
    """
    passage = evaluate_gates(task_id=task_id, dispatch_id=dispatch_id)
    if isinstance(passage, GateResult):
        return passage
    gate, failure = passage
    with suppress(StaleDispatch):
        claim = claim_task(
            task_id=task_id, dispatch_id=dispatch_id, worker=worker, gate=gate, able=able, serves=serves
        )
        report_outcome(claim=claim, outcome=failure)
    return GateResult.CLOSED


def _claim_if_open(**facts: Any) -> Claim | None:
    try:
        return claim_task(**facts)
    except StaleDispatch:
        return None


def _stale(task_id: int, dispatch_id: str, able: Collection[str], serves: Collection[int] | None) -> Declined:
    if is_for_others(task_id=task_id, dispatch_id=dispatch_id, able=able, serves=serves):
        # The sweep publishes it again, in the queue of those who can do it.
        logger.warning("not_able task=%s dispatch=%s", task_id, dispatch_id)
    else:
        logger.debug("stale_message task=%s dispatch=%s", task_id, dispatch_id)
    return Declined(canvas_goes_on=False)
