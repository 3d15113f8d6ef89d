"""One run of one version of a workflow."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now

from cpds.base import db
from tasks_app.models import identifiers
from tasks_app.models.moves import InstanceMoves
from tasks_app.models.project import Project
from tasks_app.models.workflow import Workflow, WorkflowVersion
from tasks_app.states import INSTANCE_FINAL, INSTANCE_UNFINISHED, InstanceState, OnFailure


class InstanceQuerySet(InstanceMoves):
    """Which instances."""

    def unfinished(self) -> "InstanceQuerySet":
        """Those that have not ended."""
        return self.filter(status__in=sorted(INSTANCE_UNFINISHED))

    def locked(self, instance_id: int) -> "Instance | None":
        """Lock and return one instance until the transaction ends, or None when it is gone.

        Locks are taken in one order everywhere: instance, then tasks by key.
        The lock leaves foreign-key checks free, so writing an event of the
        instance does not wait for its planner.
        """
        project = Project.objects.filter(pk=OuterRef("project_id"))
        workflow = Workflow.objects.filter(pk=OuterRef("workflow_id"))
        limits = {
            "project_most": Subquery(project.values("max_parallel")),
            "workflow_most": Subquery(workflow.values("max_running")),
        }
        row: Instance | None = db.locking(self).filter(pk=instance_id).annotate(**limits).first()
        return row


class Instance(models.Model):
    """One run. ``params`` are complete: defaults included."""

    project_most: int | None
    """Of a locked instance: how many tasks of its project may be out."""
    workflow_most: int | None
    """Of a locked instance: how many tasks of all instances of its workflow may be out."""

    public_id = models.CharField(
        "id", max_length=40, unique=True, default=identifiers.instance_id, editable=False
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="instances")
    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, null=True, blank=True, related_name="instances", db_index=False
    )
    """Null for the instance of tasks that were created on their own."""
    version = models.ForeignKey(
        WorkflowVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="instances"
    )
    status = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in InstanceState],
        default=InstanceState.PENDING,
    )
    params = models.JSONField(default=dict)
    task_count = models.PositiveIntegerField()
    error_message = models.TextField(blank=True)
    on_failure = models.CharField(
        max_length=12, choices=[(each.value, each.value) for each in OnFailure], default=OnFailure.STOP
    )
    max_parallel = models.PositiveIntegerField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_reason = models.TextField(blank=True)
    is_stopping = models.BooleanField(default=False)
    """Being cancelled in good order: what runs may finish, nothing new starts."""
    is_to_compensate = models.BooleanField(default=False)
    """With ``is_stopping``: what completed is undone when nothing runs any more."""
    origin = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reruns"
    )
    """The instance this one is a rerun of."""
    parent_task = models.ForeignKey(
        "tasks_app.Task",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        db_index=False,
    )
    """The task of another instance that started this one and waits for it."""
    paused_with_parent = models.BooleanField(default=False)
    """Whether it was its parent's pause that paused it, so that the parent's resumption resumes it."""
    is_awaited = models.BooleanField(default=False)
    """Whether tasks of other instances need tasks of this one."""
    is_pruning = models.BooleanField(default=False)
    """Being deleted, piece by piece: nothing brings it back, and whoever prunes next goes on with it."""
    schedule = models.ForeignKey(
        "tasks_app.Schedule",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="instances",
        db_index=False,
    )
    """The schedule whose fire started it, at its time or by hand."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = InstanceQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The history of a workflow, newest first.
            models.Index(fields=["workflow", "-id"], name="instance_history"),
            # What is not over yet: few among many.
            models.Index(
                fields=["status"],
                name="instance_unfinished",
                condition=Q(status__in=sorted(INSTANCE_UNFINISHED)),
            ),
            # What a task started. Most instances were started by none.
            models.Index(
                fields=["parent_task"], name="instance_children", condition=Q(parent_task__isnull=False)
            ),
            # Which instances of a schedule are not over, and all that lose it when it goes.
            models.Index(
                fields=["schedule", "status"],
                name="instance_of_schedule",
                condition=Q(schedule__isnull=False),
            ),
            # Whose time is up, and whose pause is over.
            models.Index(
                fields=["deadline_at"],
                name="instance_deadlines",
                condition=Q(deadline_at__isnull=False, status__in=sorted(INSTANCE_UNFINISHED)),
            ),
            models.Index(
                fields=["paused_until"],
                name="instance_pauses",
                condition=Q(paused_until__isnull=False, status=InstanceState.PAUSED),
            ),
            # What ended long ago, to be pruned, and what a pruning left behind.
            models.Index(
                fields=["finished_at"],
                name="instance_ended",
                condition=Q(status__in=sorted(INSTANCE_FINAL)),
            ),
            models.Index(fields=["id"], name="instance_pruning", condition=Q(is_pruning=True)),
            # Which ended last of a workflow: how long its tasks took lately.
            models.Index(
                fields=["workflow", "-finished_at"],
                name="instance_recent",
                condition=Q(finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def workflow_name(self) -> str:
        """The name of its workflow; empty for tasks that were created on their own."""
        return self.workflow.name if self.workflow is not None else ""

    @property
    def definition(self) -> dict[str, Any]:
        """What its version of the workflow says; empty for tasks that were created on their own."""
        return self.version.definition if self.version is not None else {}
