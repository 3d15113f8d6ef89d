"""What people and programs ask of the record. Read only."""

from tasks_app.services.queries.comparison import compare_instances
from tasks_app.services.queries.events import instance_events
from tasks_app.services.queries.instances import (
    instance_key,
    instance_progress,
    instance_status,
    instance_summaries,
    instance_summary,
    is_final,
    list_instances,
)
from tasks_app.services.queries.overview import (
    ended_badly,
    newest_instance,
    running_overview,
    unfinished_counts,
    unfinished_instances,
)
from tasks_app.services.queries.schedules import list_schedules, next_fires, schedule_summary
from tasks_app.services.queries.tasks import (
    detail_of,
    instance_holds,
    list_tasks,
    records_of,
    records_view,
    task_detail,
    task_holds,
    task_records,
    task_summary,
)
from tasks_app.services.queries.values import moment, progress_of
from tasks_app.services.queries.workflows import list_workflows, workflow_detail, workflow_summary

__all__ = [
    "compare_instances",
    "detail_of",
    "ended_badly",
    "instance_events",
    "instance_holds",
    "instance_key",
    "instance_progress",
    "instance_status",
    "instance_summaries",
    "instance_summary",
    "is_final",
    "list_instances",
    "list_schedules",
    "list_tasks",
    "list_workflows",
    "moment",
    "newest_instance",
    "next_fires",
    "progress_of",
    "records_of",
    "records_view",
    "running_overview",
    "schedule_summary",
    "task_detail",
    "task_holds",
    "task_records",
    "task_summary",
    "unfinished_counts",
    "unfinished_instances",
    "workflow_detail",
    "workflow_summary",
]
