"""The operators' window on the record: every table, and nothing that a service should do instead.

What programs write is shown and never edited here: a state moves only by the
services, whose moves leave an event. One file per group of tables; ``base`` and
``display`` are what they share.
"""

from django.contrib import admin

from tasks_app.admin.installation import access, chores, deliveries, projects
from tasks_app.admin.instances import checkpoints, events, instances
from tasks_app.admin.tasks import records, requirements, streams, tasks
from tasks_app.admin.workflows import contracts, schedules, workflows

__all__ = [
    "access",
    "checkpoints",
    "chores",
    "contracts",
    "deliveries",
    "events",
    "instances",
    "projects",
    "records",
    "requirements",
    "schedules",
    "streams",
    "tasks",
    "workflows",
]

admin.site.site_header = "CPDS"
admin.site.site_title = "CPDS"
admin.site.index_title = "The record and the fleet"
