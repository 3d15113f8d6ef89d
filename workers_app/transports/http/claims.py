"""What workers over HTTP take, keep and report on. Each word about a claim shows its fence."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from cpds.base import clock
from cpds.base.conf import conf
from tasks_app.errors import NotFound, NotHeld, NotOffered, StaleDispatch
from tasks_app.outcomes import JSON, Failed, Outcome, Report
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.attempts.inputs import render_arguments
from tasks_app.services.attempts.leases import cancelled_among, renew_claims
from tasks_app.services.http_workers import offers
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.lookup.fences import Fence
from workers_app.agents.prices import PriceTable, cost_usd_micros, load_prices
from workers_app.errors import SlotsTaken
from workers_app.models import Worker
from workers_app.transports.http.long_polls import wait_for_offer
from workers_app.transports.http.slots import reserve_slot
from workers_app.transports.http.workers import (
    beat_http_worker,
    count_completed,
    lease_seconds_of,
    note_word_of,
)

CANCELLED: Final = "cancelled"
LOST: Final = "lost"
WORKER_ERROR: Final = "worker_error"
"""Of what kind a failure is of which a worker says no kind."""
RACES: Final = 3
"""How often a batch is filled anew when others were faster, or no more of an instance may be at once."""


@dataclass(frozen=True, kw_only=True)
class Granted:
    """A claim given to a worker, with what it needs to know for it."""

    claim: Claim
    token: str
    kind: str
    facts: Mapping[str, Any]
    arguments: Mapping[str, JSON]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Claims given at once.

    ``began_at``: when this process's clock stood there no lease had begun. ``is_full``:
    the worker's slots are all taken.
    """

    granted: tuple[Granted, ...]
    began_at: float
    is_full: bool = False


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What a worker is told at a heartbeat: what it still holds, and what it must stop and why."""

    lease_seconds: float
    drain: bool
    kept: tuple[str, ...]
    stop: tuple[tuple[str, str], ...]


def beat(*, worker: Worker, tokens: Collection[str], is_draining: bool = False) -> Pulse:
    """Note that a worker is alive and renew the leases of the claims it names."""
    since = clock.database_now() if is_draining else None
    beat_http_worker(worker=worker, facts={"draining_at": since})
    lease_seconds = lease_seconds_of(worker)
    claims = {token: fence for token in tokens if (fence := Fence.read(token=token))}
    held = renew_claims(worker=worker.holder, claims=list(claims.values()), lease_seconds=lease_seconds)
    gone = {token: claim for token, claim in claims.items() if claim not in held}
    cancelled = cancelled_among([key for key, _ in gone.values()]) if gone else set()
    unread = [(token, LOST) for token in tokens if token not in claims]
    stop = [(token, CANCELLED if key in cancelled else LOST) for token, (key, _) in gone.items()]
    wish = Worker.objects.filter(pk=worker.pk).values_list("drain_requested_at", "stop_requested_at").first()
    return Pulse(
        lease_seconds=lease_seconds,
        drain=wish is None or any(wish),
        kept=tuple(token for token, claim in claims.items() if claim in held),
        stop=(*stop, *unread),
    )


def pending_for(*, project: Any, worker: Worker | None, limit: int, wait_seconds: float = 0) -> list[Any]:
    """Return tasks of a project that may be taken, most urgent first; wait for one up to ``wait_seconds``.

    ``worker``: only those that it is able to do, and none while it takes nothing.
    """

    def look() -> list[Any]:
        if worker is None:
            return offers.pending(project=project, limit=limit)
        return _offered(worker, limit, None)

    return wait_for_offer(project_id=project.pk, look=look, is_enough=bool, seconds=wait_seconds)


def claim_batch(
    *, worker: Worker, limit: int, wait_seconds: float = 0, kinds: Collection[str] | None = None
) -> Batch:
    """Give a worker up to ``limit`` tasks that fit it; wait up to ``wait_seconds`` until there is one.

    One whose slots are all taken is given nothing, and does not wait. A task whose
    templates cannot be filled in fails here, and is not given. Who asks is alive.
    """
    note_word_of(worker)
    return wait_for_offer(
        project_id=_project_of(worker).pk,
        look=lambda: _granted(worker, limit, kinds),
        is_enough=lambda batch: bool(batch.granted) or batch.is_full,
        seconds=wait_seconds,
    )


def take_one(*, worker: Worker, task: Any) -> Claim:
    """Give a worker the task it asks for.

    :raises NotOffered: when it is not to be had, or the worker is not able to do it.
    :raises SlotsTaken: when it holds as many as it has slots.
    """
    lacks = sorted(set(task.requires) - set(worker.capabilities))
    if lacks:
        raise NotOffered(task_id=task.address, why=f"worker {worker.public_id} lacks {', '.join(lacks)}")
    with reserve_slot(worker):
        return assign(task=task, worker=worker.holder, lease_seconds=lease_seconds_of(worker))


@contextmanager
def attempt_of(*, worker: Worker, token: str) -> Iterator[Attempt]:
    """Let a worker speak of the attempt that it shows a token of. Who speaks is alive.

    :raises NotFound: when it is no token, or one of another project's task.
    :raises NotHeld: when the worker does not hold the task under this claim (any more).
    """
    fence = Fence.read(token=token)
    if fence is None:
        raise _unknown(token)
    note_word_of(worker)
    try:
        yield Attempt(worker=worker.holder, fence=fence)
    except StaleDispatch:
        task = offers.task_behind(fence=fence, project_id=_project_of(worker).pk)
        if task is None:
            raise _unknown(token) from None
        raise NotHeld(task_id=task.address, worker=worker.public_id, state=task.status) from None


def end(*, worker: Worker, token: str, outcome: Outcome) -> None:
    """Record how an attempt ended. Said twice it counts once.

    :raises NotFound: when it is no token, or one of another project's task.
    :raises NotHeld: when the worker does not hold the task under this claim (any more).
    """
    outcome = replace(outcome, report=priced(outcome.report))
    with attempt_of(worker=worker, token=token) as attempt:
        if attempt.end(outcome=outcome):
            count_completed(worker)


def priced(report: Report) -> Report:
    """Return a report with the cost of its tokens by the operator's price table."""
    if not report.tokens or report.cost_usd_micros is not None or not report.model:
        return report
    today = clock.now().date()
    cost = cost_usd_micros(report.model, report.tokens, today, _prices(conf().model_prices_file))
    return replace(report, cost_usd_micros=cost)


@lru_cache(maxsize=4)
def _prices(file: str) -> PriceTable:
    return load_prices(Path(file))


def _offered(worker: Worker, limit: int, kinds: Collection[str] | None) -> list[Any]:
    if not Worker.objects.accepting().filter(pk=worker.pk, left_at__isnull=True).exists():
        return []
    return offers.pending(
        project=_project_of(worker), capabilities=worker.capabilities, kinds=kinds, limit=limit
    )


def _granted(worker: Worker, limit: int, kinds: Collection[str] | None) -> Batch:
    began_at = clock.monotonic()
    granted: list[Granted] = []
    try:
        for _ in range(RACES):
            offered = _offered(worker, limit - len(granted), kinds)
            before = len(granted)
            if offered:
                # Else the sweep could take at once what is given to one that waited for long.
                note_word_of(worker)
            given = (_given(worker, task) for task in offered)
            granted.extend(each for each in given if each is not None)
            if len(granted) - before == len(offered):
                break
    except SlotsTaken:
        return Batch(granted=tuple(granted), began_at=began_at, is_full=True)
    return Batch(granted=tuple(granted), began_at=began_at)


def _given(worker: Worker, task: Any) -> Granted | None:
    """Give a worker a task it was offered; None when somebody else was faster, or it fails at once.

    :raises SlotsTaken: when it holds as many as it has slots.
    """
    try:
        claim = take_one(worker=worker, task=task)
    except NotOffered:
        return None
    arguments = render_arguments(claim)
    if isinstance(arguments, Failed):
        with suppress(StaleDispatch):
            Attempt.of(claim).end(outcome=arguments)
        return None
    return _grant(task, claim, arguments)


def _grant(task: Any, claim: Claim, arguments: Mapping[str, JSON]) -> Granted:
    return Granted(
        claim=claim,
        token=claim.fence.token,
        kind=offers.kind_of(task=task),
        facts=offers.facts_of(task=task),
        arguments=arguments,
    )


def _unknown(token: str) -> NotFound:
    return NotFound(kind="claim", given=token, listing="POST /api/v1/workers/ID/claims")


def _project_of(worker: Worker) -> Any:
    assert worker.project is not None  # noqa: S101 - every worker over HTTP has one
    return worker.project
