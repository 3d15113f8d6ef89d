"""The bounds that are constants of the code."""

from collections.abc import Callable, Mapping, Sequence

from cpds.api import json_text
from cpds.api.responses import paging
from cpds.base import durations
from cpds.base.conf import Conf
from docs.generate.tables import table
from tasks_app.api import authentication
from tasks_app.api.instances import events
from tasks_app.api.workflows import schedules
from tasks_app.planning.definition import approval_spec, retry_spec, spec, spec_types, task_spec
from tasks_app.planning.definition.checks import graph
from tasks_app.planning.engine import retrying
from tasks_app.planning.inputs import loose
from tasks_app.planning.schedules import cron
from tasks_app.planning.source import yaml_source, yaml_text
from tasks_app.planning.templates import limits as template_limits
from tasks_app.planning.values import item_limits, values
from tasks_app.services.access import logins
from tasks_app.services.attempts import streams
from tasks_app.services.control import task_bulk
from tasks_app.services.gates import children
from tasks_app.services.maintenance import firing
from workers_app.agents import arguments
from workers_app.api import worker_forms
from workers_app.executors import shell_command
from workers_app.executors.http import executor
from workers_app.models import worker
from workers_app.transports.http import long_polls, workers

Row = tuple[str, str]

_WORKFLOW: Sequence[Row] = (
    ("a workflow file", f"{yaml_text.MAX_BYTES >> 20} MiB"),
    ("its nesting", f"{yaml_source.MAX_DEPTH} levels"),
    ("its keys and values", f"{yaml_source.MAX_VALUES:,}"),
    ("tasks in a workflow", f"{spec.MAX_TASKS:,}"),
    ("`needs` of all tasks together", f"{graph.MAX_EDGES:,}"),
    ("a task's name", f"{spec_types.LONGEST_NAME} characters"),
    ("a description", f"{spec_types.LONGEST_TEXT:,} characters"),
    ("`max_parallel`, `max_running`", f"{task_spec.MAX_PARALLEL:,}"),
    ("`max_instances`", f"{spec.MAX_INSTANCES:,}"),
    ("items of a `for_each`", f"{item_limits.MAX_ITEMS:,}"),
    ("instances inside one another", f"{children.MAX_DEPTH}"),
    ("retries of a task", f"{retry_spec.MAX_RETRIES}"),
    ("the wait between two attempts", f"{retrying.LONGEST_SECONDS / 86_400:g} days"),
    ("a duration", f"{durations.LONGEST_SECONDS / 86_400:g} days"),
    ("`buffer_size` of a stream", f"{task_spec.MAX_BUFFER:,} items"),
    ("a batch of a stream", f"{streams.BATCH_CHARACTERS:,} characters"),
    ("`form` of an approval", f"{approval_spec.MAX_FORM_VALUES:,} keys and values"),
    ("a cron expression", f"{cron.LONGEST_CRON} characters"),
    ("missed times that `catchup: all` makes up for", f"{firing.MOST_AT_ONCE}"),
    ("instances that `overlap: queue` keeps waiting", f"{firing.MOST_QUEUED}"),
    ("tasks created by one request or file", f"{loose.MAX_LOOSE:,}"),
)
_TEMPLATES: Sequence[Row] = (
    ("a rendered field", f"{template_limits.MAX_FIELD >> 20} Mi characters"),
    ("a rendered `with`, any value on the way", f"{template_limits.MAX_VALUE >> 20} Mi characters"),
    ("steps of one template", f"{template_limits.MAX_STEPS:,}"),
    ("time for one template", f"{template_limits.MAX_SECONDS:g} seconds"),
    ("a whole number on the way", f"{template_limits.MAX_INTEGER_BITS:,} bits"),
)
_TASKS: Sequence[Row] = (
    (
        "a task's output, as JSON in UTF-8",
        f"{Conf.output_bytes >> 20} MiB (setting `output_bytes`); of a failed one's, the beginning is kept",
    ),
    ("nesting of an output", f"{values.MAX_DEPTH} levels"),
    (
        "what is kept of a command's stdout and stderr",
        f"the first and last {shell_command.KEPT_BYTES >> 11} KiB of each",
    ),
    ("the body of an HTTP answer", f"{executor.OVERHEAD_BYTES >> 10} KiB less than an output"),
    ("redirects of `http_request`", f"{executor.MAX_REDIRECTS}"),
    ("time for `http_request` without a timeout", f"{executor.DEFAULT_SECONDS:g} seconds"),
    ("an answer of Claude without `max_tokens`", f"{arguments.DEFAULT_MAX_TOKENS} tokens"),
    (
        "workers lost by one task",
        f"{Conf.losses_to_quarantine}, then it fails as `quarantined` (setting `losses_to_quarantine`)",
    ),
)
_API: Sequence[Row] = (
    ("a request's body", f"{Conf.body_bytes >> 20} MiB (setting `body_bytes`)"),
    ("nesting of JSON", f"{json_text.DEEPEST} levels"),
    ("`limit` of a list", f"{paging.LARGEST_LIMIT} ({paging.DEFAULT_LIMIT} when not given)"),
    ("`limit` of events", f"{events.MOST_EVENTS:,}"),
    ("tasks or instances of one bulk request", f"{task_bulk.MOST:,}"),
    ("fire times of a schedule", f"{schedules.MOST_FIRES}"),
    ("the header `Authorization`", f"{authentication.LONGEST_HEADER:,} characters"),
    ("a user name, a password", f"{logins.LONGEST_NAME}, {logins.LONGEST_PASSWORD:,} characters"),
)
_HTTP_WORKERS: Sequence[Row] = (
    ("`slots` of a worker", f"{workers.MOST_SLOTS:,}"),
    ("claims of one request", f"{worker_forms.MOST_AT_ONCE}"),
    ("`wait` for a task", f"{long_polls.LONGEST_SECONDS:g} seconds"),
    ("lines of one log request", f"{worker_forms.MOST_LINES}"),
    ("`heartbeat_seconds`", f"{workers.SHORTEST_HEARTBEAT:g} to {workers.LONGEST_HEARTBEAT:g}"),
    ("`heartbeat_seconds` when not given", f"{worker.HEARTBEAT_SECONDS:g}"),
)


def _limits(rows: Sequence[Row]) -> Callable[[], str]:
    return lambda: table(["What", "Limit"], rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "workflow limits": _limits(_WORKFLOW),
    "template limits": _limits(_TEMPLATES),
    "task limits": _limits(_TASKS),
    "api limits": _limits(_API),
    "http worker limits": _limits(_HTTP_WORKERS),
}
