"""What becomes of one delivered message: a claim on its task, or word whether its canvas may go on."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from tasks_app.errors import StaleDispatch
from tasks_app.outcomes import Failed
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.gates.evaluate import GateResult, evaluate_gates
from tasks_app.services.lookup.requirements import is_for_others
from tasks_app.states import Gate

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The task is this worker's. With a ``failure`` nothing is executed: a gate cannot be judged."""

    claim: Claim
    failure: Failed | None = None


@dataclass(frozen=True, kw_only=True)
class Declined:
    """There is nothing to execute: the task was skipped, waits, or is not to be had under this dispatch."""

    canvas_goes_on: bool


def take_task(
    *,
    task_id: int,
    dispatch_id: str,
    worker: str,
    able: Collection[str] = (),
    serves: Collection[int] | None = None,
) -> Accepted | Declined:
    """Lead a delivered task through its gates and claim it.

    ``able``: the requirement sets that the worker meets. ``serves``: the projects whose
    tasks it takes (None: any).
    """
    claim_at = partial(
        _claim, task_id=task_id, dispatch_id=dispatch_id, worker=worker, able=able, serves=serves
    )
    claim = claim_at(gate=Gate.OPEN)
    gate, failure = Gate.OPEN, None
    if claim is None:
        match evaluate_gates(task_id=task_id, dispatch_id=dispatch_id):
            case GateResult.SKIPPED:
                return Declined(canvas_goes_on=True)
            case GateResult.OPEN:
                pass
            case GateResult.CLOSED:
                return _stale(task_id, dispatch_id, able, serves)
            case (gate_closed, why):
                gate, failure = gate_closed, why
        claim = claim_at(gate=gate)
    return (
        _stale(task_id, dispatch_id, able, serves)
        if claim is None
        else Accepted(claim=claim, failure=failure)
    )


def _claim(**facts: Any) -> Claim | None:
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
