"""How workers and their claims look in the API."""

from typing import Annotated

from msgspec.structs import asdict

from cpds.base.view import JSONObject, Time, View, one_of
from workers_app.fleet.describe import DescribedWorker, WorkerStatus
from workers_app.models import WorkerKind
from workers_app.transports.http.claims import Granted, Pulse


class WorkerView(View):
    """A worker, and what it does now."""

    id: str
    name: str
    kind: Annotated[str, one_of(WorkerKind)]
    status: Annotated[str, one_of(WorkerStatus)]
    running: int
    slots: int
    project: str | None
    pool: str
    host: str
    platform: str
    version: str
    capabilities: list[str]
    labels: dict[str, str]
    tools: dict[str, str]
    queues: list[str]
    metadata: JSONObject
    cpu_percent: float | None
    memory_percent: float | None
    disk_percent: float | None
    tasks_completed: int
    registered_at: Time
    started_at: Time
    heartbeat_at: Time
    left_at: Time | None


class RegisteredView(WorkerView):
    """The same, with the rhythm it has to keep."""

    heartbeat_seconds: float
    lease_seconds: float


class KeptView(View):
    """A claim that the worker still holds."""

    token: str


class StopView(KeptView):
    """A claim that is gone: stop that work."""

    why: Annotated[str, one_of(("cancelled", "lost"))]


class PulseView(View):
    """What a heartbeat is answered. ``drain``: take nothing new."""

    lease_seconds: float
    drain: bool
    claims: list[KeptView]
    stop: list[StopView]


class ClaimedTaskView(View):
    """A task, as its worker is told of it."""

    id: int
    task_id: str
    name: str
    title: str
    description: str
    claude_context: str
    executor: str
    requires: list[str]
    tags: list[str]
    priority: int
    created_by: str
    instance_id: str


class ClaimView(KeptView):
    """A task given to a worker for one lease. ``token`` is the fence that every later word shows."""

    kind: str
    task: ClaimedTaskView
    arguments: JSONObject
    attempt: int
    idempotency_key: str
    lease_seconds: float
    timeout_seconds: float | None


class ClaimsView(View):
    """What a worker got. ``waited_seconds`` passed before it was given: leases began then."""

    claims: list[ClaimView]
    waited_seconds: float


def worker_view(seen: DescribedWorker) -> WorkerView:
    """Return a worker as the API shows it."""
    worker = seen.worker
    return WorkerView(
        id=worker.public_id,
        name=worker.name,
        kind=worker.kind,
        status=str(seen.status),
        running=seen.running,
        slots=worker.slots,
        project=worker.project.slug if worker.project else None,
        pool=worker.pool,
        host=worker.host,
        platform=worker.platform,
        version=worker.version,
        capabilities=worker.capabilities,
        labels=worker.labels,
        tools=worker.tools,
        queues=worker.queues,
        metadata=worker.metadata,
        cpu_percent=worker.cpu_percent,
        memory_percent=worker.memory_percent,
        disk_percent=worker.disk_percent,
        tasks_completed=worker.tasks_completed,
        registered_at=worker.registered_at,
        started_at=worker.started_at,
        heartbeat_at=worker.heartbeat_at,
        left_at=worker.left_at,
    )


def registered_view(
    seen: DescribedWorker, *, heartbeat_seconds: float, lease_seconds: float
) -> RegisteredView:
    """Return a worker that has just come in."""
    return RegisteredView(
        **asdict(worker_view(seen)), heartbeat_seconds=heartbeat_seconds, lease_seconds=lease_seconds
    )


def pulse_view(pulse: Pulse) -> PulseView:
    """Return the answer to a heartbeat."""
    return PulseView(
        lease_seconds=pulse.lease_seconds,
        drain=pulse.drain,
        claims=[KeptView(token=token) for token in pulse.kept],
        stop=[StopView(token=token, why=why) for token, why in pulse.stop],
    )


def claim_view(granted: Granted, *, lease_seconds: float) -> ClaimView:
    """Return a claim as its worker sees it."""
    claim = granted.claim
    return ClaimView(
        token=granted.token,
        kind=granted.kind,
        task=ClaimedTaskView(**granted.facts),
        arguments=dict(granted.arguments),
        attempt=claim.attempt,
        idempotency_key=claim.idempotency_key,
        lease_seconds=lease_seconds,
        timeout_seconds=claim.timeout_seconds,
    )
