"""How workers and claims look in the API, and what workers send."""

from typing import Any, Final

from rest_framework import serializers

from cpds.api.requests.forms import Form, ProjectForm
from tasks_app.outcomes import Report
from workers_app.fleet.describe import WorkerStatus, WorkerView
from workers_app.models.worker import HEARTBEAT_SECONDS
from workers_app.transports.http.claims import WORKER_ERROR, Granted
from workers_app.transports.http.long_polls import LONGEST_SECONDS
from workers_app.transports.http.workers import LONGEST_HEARTBEAT, MOST_SLOTS, SHORTEST_HEARTBEAT, WORKER_ID

MOST_AT_ONCE: Final = 100
MOST_LINES: Final = 500
WORD: Final = r"^[a-z0-9][a-z0-9_.-]{0,99}$"
STATUSES: Final = [str(status) for status in WorkerStatus]


class RegistrationForm(ProjectForm):
    """A worker that is there. ``id`` is its own choice; without one it is known by its name."""

    name = serializers.CharField(max_length=200)
    id = serializers.RegexField(WORKER_ID, required=False, max_length=100)
    host = serializers.CharField(max_length=200, default="", allow_blank=True)
    platform = serializers.CharField(max_length=100, default="", allow_blank=True)
    version = serializers.CharField(max_length=40, default="", allow_blank=True)
    slots = serializers.IntegerField(
        min_value=1,
        max_value=MOST_SLOTS,
        required=False,
        help_text="how many tasks it runs at once, and is given at most; without it, as many as it asks for",
    )
    capabilities = serializers.ListField(child=serializers.RegexField(WORD), max_length=200, default=list)
    labels = serializers.DictField(
        child=serializers.CharField(max_length=200, allow_blank=True), default=dict
    )
    tools = serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True), default=dict)
    metadata = serializers.DictField(default=dict)
    heartbeat_seconds = serializers.FloatField(
        min_value=SHORTEST_HEARTBEAT, max_value=LONGEST_HEARTBEAT, default=HEARTBEAT_SECONDS
    )


class HeartbeatForm(Form):
    """A sign of life. ``claims`` are the tokens of what the worker holds."""

    claims = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=10_000, default=list
    )
    draining = serializers.BooleanField(default=False)


class ClaimsForm(Form):
    """A wish for tasks. ``kinds`` absent: of any kind."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST_AT_ONCE, default=1)
    wait = serializers.FloatField(min_value=0, max_value=LONGEST_SECONDS, default=0)
    kinds = serializers.ListField(child=serializers.CharField(max_length=200), max_length=200, required=False)


class ProgressForm(Form):
    """How far a task is."""

    progress = serializers.FloatField(min_value=0, max_value=1)
    message = serializers.CharField(max_length=4000, default="", allow_blank=True)


class LogsForm(Form):
    """Lines for a task's log."""

    lines = serializers.ListField(
        child=serializers.CharField(max_length=4000, allow_blank=True, trim_whitespace=False),
        max_length=MOST_LINES,
        min_length=1,
    )


class ReportForm(Form):
    """What an attempt used. The cost follows from the tokens."""

    prompt = serializers.CharField(required=False, allow_null=True, allow_blank=True, trim_whitespace=False)
    answer = serializers.CharField(required=False, allow_null=True, allow_blank=True, trim_whitespace=False)
    model = serializers.CharField(required=False, allow_null=True, max_length=100)
    call_id = serializers.CharField(required=False, allow_null=True, max_length=100)
    tokens = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=2**53), required=False
    )
    simulated = serializers.BooleanField(required=False)
    metadata = serializers.DictField(required=False)


class CompletionForm(Form):
    """The end of a task that went well."""

    output = serializers.JSONField(default=None, allow_null=True)
    report = ReportForm(required=False)


class FailureForm(Form):
    """The end of an attempt that did not."""

    message = serializers.CharField(max_length=4000)
    kind = serializers.RegexField(r"^[a-z][a-z0-9_]{0,39}$", default=WORKER_ERROR)
    retryable = serializers.BooleanField(default=True)
    detail = serializers.DictField(default=dict)
    report = ReportForm(required=False)


class ReleaseForm(Form):
    """Why a task is handed back."""

    reason = serializers.CharField(max_length=500, default="the worker handed it back")


class WorkerShape(serializers.Serializer[Any]):
    """A worker, and what it does now."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["celery", "http"])
    status = serializers.ChoiceField(choices=STATUSES)
    running = serializers.IntegerField()
    slots = serializers.IntegerField()
    project = serializers.CharField(allow_null=True)
    pool = serializers.CharField(allow_blank=True)
    host = serializers.CharField(allow_blank=True)
    platform = serializers.CharField(allow_blank=True)
    version = serializers.CharField(allow_blank=True)
    capabilities = serializers.ListField(child=serializers.CharField())
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True))
    tools = serializers.DictField(child=serializers.CharField(allow_blank=True))
    queues = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()
    cpu_percent = serializers.FloatField(allow_null=True)
    memory_percent = serializers.FloatField(allow_null=True)
    disk_percent = serializers.FloatField(allow_null=True)
    tasks_completed = serializers.IntegerField()
    registered_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField()
    left_at = serializers.DateTimeField(allow_null=True)


class RegisteredShape(WorkerShape):
    """The same, with the rhythm it has to keep."""

    heartbeat_seconds = serializers.FloatField()
    lease_seconds = serializers.FloatField()


class KeptShape(serializers.Serializer[Any]):
    """A claim that the worker still holds."""

    token = serializers.CharField()


class StopShape(KeptShape):
    """A claim that is gone: stop that work."""

    why = serializers.ChoiceField(choices=["cancelled", "lost"])


class PulseShape(serializers.Serializer[Any]):
    """What a heartbeat is answered. ``drain``: take nothing new."""

    lease_seconds = serializers.FloatField()
    drain = serializers.BooleanField()
    claims = KeptShape(many=True)
    stop = StopShape(many=True)


class ClaimedTaskShape(serializers.Serializer[Any]):
    """A task, as its worker is told of it."""

    id = serializers.IntegerField()
    task_id = serializers.CharField()
    name = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    claude_context = serializers.CharField(allow_blank=True)
    executor = serializers.CharField()
    requires = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    priority = serializers.IntegerField()
    created_by = serializers.CharField(allow_blank=True)
    instance_id = serializers.CharField()


class ClaimShape(KeptShape):
    """A task given to a worker for one lease. ``token`` is the fence that every later word shows."""

    kind = serializers.CharField()
    task = ClaimedTaskShape()
    arguments = serializers.DictField()
    attempt = serializers.IntegerField()
    idempotency_key = serializers.CharField()
    lease_seconds = serializers.FloatField()
    timeout_seconds = serializers.FloatField(allow_null=True)


class ClaimsShape(serializers.Serializer[Any]):
    """What a worker got. ``waited_seconds`` passed before it was given: leases began then."""

    claims = ClaimShape(many=True)
    waited_seconds = serializers.FloatField()


def worker_view(seen: WorkerView) -> dict[str, Any]:
    """Return a worker as the API shows it."""
    worker = seen.worker
    own = (
        *("name", "kind", "slots", "pool", "host", "platform", "version", "capabilities", "labels", "tools"),
        *("queues", "metadata", "cpu_percent", "memory_percent", "disk_percent", "tasks_completed"),
        *("registered_at", "started_at", "heartbeat_at", "left_at"),
    )
    return {
        "id": worker.public_id,
        "status": str(seen.status),
        "running": seen.running,
        "project": worker.project.slug if worker.project else None,
        **{name: getattr(worker, name) for name in own},
    }


def claim_view(granted: Granted, *, lease_seconds: float) -> dict[str, Any]:
    """Return a claim as its worker sees it."""
    claim = granted.claim
    return {
        "token": granted.token,
        "kind": granted.kind,
        "task": dict(granted.facts),
        "arguments": dict(granted.arguments),
        "attempt": claim.attempt,
        "idempotency_key": claim.idempotency_key,
        "lease_seconds": lease_seconds,
        "timeout_seconds": claim.timeout_seconds,
    }


def report_of(given: dict[str, Any] | None) -> Report:
    """Return the report that a worker sent."""
    known = {name: value for name, value in (given or {}).items() if value is not None}
    return Report(**known)
