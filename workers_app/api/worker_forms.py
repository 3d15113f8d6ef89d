"""What workers send."""

from typing import Any, Final

from rest_framework import serializers

from cpds.api.requests.forms import Form, ProjectForm
from tasks_app.outcomes import Report
from workers_app.models.worker import HEARTBEAT_SECONDS
from workers_app.transports.http.claims import WORKER_ERROR
from workers_app.transports.http.long_polls import LONGEST_SECONDS
from workers_app.transports.http.workers import LONGEST_HEARTBEAT, MOST_SLOTS, SHORTEST_HEARTBEAT, WORKER_ID

MOST_AT_ONCE: Final = 100
MOST_LINES: Final = 500
WORD: Final = r"^[a-z0-9][a-z0-9_.-]{0,99}$"


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


def report_of(given: dict[str, Any] | None) -> Report:
    """Return the report that a worker sent."""
    known = {name: value for name, value in (given or {}).items() if value is not None}
    return Report(**known)
