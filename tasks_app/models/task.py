"""One node of an instance."""

from collections.abc import Collection
from typing import ClassVar

from django.db import models
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Value,
)
from django.db.models.functions import Now

from tasks_app.models.instance import Instance
from tasks_app.models.moves import TaskMoves
from tasks_app.models.project import Project
from tasks_app.planning.values.requirements import LONGEST_NAME
from tasks_app.planning.values.stored_spec import StoredSpec
from tasks_app.states import EXTERNAL, TASK_FINAL, Gate, InstanceState, JoinMode, TaskState, WaitKind


class TaskQuerySet(TaskMoves):
    """Which tasks."""

    def in_running_instance(self) -> "TaskQuerySet":
        """Those whose instance lets them start now: it runs, or for an undo, it compensates."""
        own = Instance.objects.filter(pk=OuterRef("instance_id"))
        return self.filter(
            Q(Exists(own.filter(status=InstanceState.RUNNING)), compensates__isnull=True)
            | Q(Exists(own.filter(status=InstanceState.COMPENSATING)), compensates__isnull=False)
        )

    def of_instance(self, instance_id: int | OuterRef) -> "TaskQuerySet":
        """Those of one instance among few that are found otherwise.

        Said so that no index on the instance helps: databases would read all that
        is pending in it rather than the few.
        """
        own = ExpressionWrapper(F("instance_id") + Value(0), output_field=BigIntegerField())
        found: TaskQuerySet = self.alias(own_instance=own).filter(own_instance=instance_id)
        return found

    def satisfied(self) -> "TaskQuerySet":
        """Those that have what they need of their dependencies."""
        needed = Task.objects.filter(followers__task=OuterRef("pk"))
        unmet = needed.filter(Q(satisfies__isnull=True) | Q(satisfies=False))
        enough = (
            needed.filter(satisfies=True)
            .order_by()
            .values("followers__task")
            .annotate(number=Count("pk"))
            .values("number")
        )
        return self.filter(
            Q(join=JoinMode.ALL) & ~Exists(unmet)
            | Q(join=JoinMode.ANY) & Exists(needed.filter(satisfies=True))
            | Q(join=JoinMode.ALL_DONE) & ~Exists(needed.filter(satisfies__isnull=True))
            | Q(join=JoinMode.AT_LEAST, join_count__lte=Subquery(enough))
        )

    def blocked(self) -> "TaskQuerySet":
        """Pending, planned into no canvas, and not yet known to be ready. Items are not among them."""
        return self.filter(
            status=TaskState.PENDING, dispatch_id__isnull=True, ready_at__isnull=True, parent__isnull=True
        )

    def held_back(self) -> "TaskQuerySet":
        """Items that start when others of the same ``for_each`` have ended."""
        return self.filter(
            status=TaskState.PENDING, dispatch_id__isnull=True, ready_at__isnull=True, parent__isnull=False
        )

    def active_items(self) -> "TaskQuerySet":
        """Items that take one of the places their ``max_parallel`` gives: started, or about to be."""
        return self.filter(
            Q(status__in=[TaskState.QUEUED, TaskState.RUNNING, TaskState.WAITING])
            | Q(status=TaskState.PENDING, ready_at__isnull=False)
        )

    def backlog(self) -> "TaskQuerySet":
        """Ready and not published: what waits for room in the publish window."""
        return self._ready().exclude(executor=EXTERNAL, gate=Gate.OPEN)

    def offered(self) -> "TaskQuerySet":
        """Ready for workers that speak HTTP: external, every gate passed, held by nobody."""
        return self._ready().filter(executor=EXTERNAL, gate=Gate.OPEN)

    def at_gate(self) -> "TaskQuerySet":
        """Those that were found ready and have a gate to pass, whatever became of them since."""
        return self.exclude(gate=Gate.OPEN).filter(ready_at__isnull=False)

    def lent(self, executors: Collection[str]) -> "TaskQuerySet":
        """Those of these executors that nobody has started, published or not: whoever is first has them."""
        waiting = Q(status=TaskState.PENDING, dispatch_id__isnull=True, ready_at__isnull=False)
        return self.filter(
            waiting | Q(status=TaskState.QUEUED), executor__in=sorted(executors), gate=Gate.OPEN
        )

    def _ready(self) -> "TaskQuerySet":
        return self.filter(status=TaskState.PENDING, dispatch_id__isnull=True, ready_at__isnull=False)

    def planned(self) -> "TaskQuerySet":
        """Pending under a dispatch: followers that a canvas is to start."""
        return self.filter(status=TaskState.PENDING, dispatch_id__isnull=False)

    def in_dispatch_order(self) -> "TaskQuerySet":
        """Most urgent first: priority, then the longest path still ahead, then who waited longest."""
        return self.order_by("-priority", "-rank", "ready_at", "id")

    def held(self, *, task_id: int, dispatch_id: str) -> "TaskQuerySet":
        """The task, if it runs under this dispatch: the fence of every write of an attempt."""
        return self.filter(pk=task_id, dispatch_id=dispatch_id, status=TaskState.RUNNING)


class Task(models.Model):
    """One node of an instance and everything that decides what may happen to it.

    The shape of the graph around it is fixed when the instance is submitted and
    stored with it, so that planning reads only what lies near the frontier:
    ``stage`` numbers the straight line of tasks it belongs to and
    ``stage_position`` its place in it; ``meets`` is the stage whose first task is
    the only follower of this line's last one; ``fan_in`` and ``fan_out`` count
    dependencies and followers; ``rank`` is how many milliseconds the longest path
    from here to an end is expected to take.
    """

    is_limited: bool
    """Of an offered task: whether its instance, its workflow or its project has a limit."""
    gated_ready: int | None
    """Of an offered task: the most urgent task of its project that is ready and stands at a gate."""
    gated_out: int | None
    """Of an offered task: the same of those that are published."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    """That of its instance."""
    task_id = models.CharField(max_length=200, null=True, blank=True)
    """What its creator calls it, unique in the project; null for a task of a workflow."""
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="items", db_index=False
    )
    """The task whose ``for_each`` this one is an item of, or which is run once for each batch of a stream."""
    item_index = models.PositiveIntegerField(null=True, blank=True)
    name = models.CharField(max_length=220)
    title = models.CharField(max_length=200, blank=True)
    """For people; of a task created on its own, whose name is its id."""
    created_by = models.CharField(max_length=200, blank=True)
    """Who created it on its own."""
    deployment_mode = models.CharField(max_length=10, blank=True)
    claude_context = models.TextField(blank=True)
    position = models.PositiveIntegerField()
    description = models.TextField(blank=True)
    executor = models.CharField(max_length=100)
    spec: "models.JSONField[StoredSpec, StoredSpec]" = models.JSONField(default=dict)
    priority = models.PositiveSmallIntegerField(default=5)
    requires = models.JSONField(default=list, blank=True)
    requirement = models.CharField(max_length=LONGEST_NAME, blank=True, default="")
    """The name of the set of what it requires; empty: any worker will do."""
    tags = models.JSONField(default=list, blank=True)
    timeout_seconds = models.FloatField(null=True, blank=True)
    join = models.CharField(
        max_length=12, choices=[(mode.value, mode.value) for mode in JoinMode], default=JoinMode.ALL
    )
    join_count = models.PositiveIntegerField(null=True, blank=True)
    allow_failure = models.BooleanField(default=False)

    compensates = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="undo"
    )
    """The completed task that this one undoes. Unique: nothing is undone twice."""

    stage = models.PositiveIntegerField()
    stage_position = models.PositiveIntegerField()
    meets = models.PositiveIntegerField(null=True, blank=True)
    fan_in = models.PositiveIntegerField()
    fan_out = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()

    status = models.CharField(
        max_length=16, choices=[(state.value, state.value) for state in TaskState], default=TaskState.PENDING
    )
    reason = models.TextField(blank=True)
    satisfies = models.BooleanField(null=True, blank=True)
    """Whether those who need it may go on: it completed, was not needed, or may fail. A stream says so
    as soon as it runs."""
    gate = models.CharField(
        max_length=12, choices=[(gate.value, gate.value) for gate in Gate], blank=True, default=Gate.OPEN
    )
    """What it has to pass before a worker may claim it; empty: nothing."""
    wait_kind = models.CharField(
        max_length=12, choices=[(kind.value, kind.value) for kind in WaitKind], blank=True, default=""
    )
    dispatch_id = models.CharField(max_length=32, null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    """Failed attempts since it was last submitted or retried by a person: what a retry policy counts."""
    progress = models.FloatField(null=True, blank=True)
    progress_message = models.TextField(blank=True)
    output = models.JSONField(null=True, blank=True)
    error_kind = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    settled = models.BooleanField(default=False)
    """Whether the sweep has seen that what follows this finished task was planned."""

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ready_at = models.DateTimeField(null=True, blank=True)
    is_express = models.BooleanField(default=False, db_default=False)
    """Whether its message overtakes others: it is, or was made to be, within its project's share."""
    published_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = TaskQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # Prevents two tasks of one name, which templates and dependencies could not tell apart.
            # Neither sees items, so a task may even be called ``a[0]`` beside the items of ``a``.
            models.UniqueConstraint(
                fields=["instance", "name"], name="task_name_per_instance", condition=Q(parent__isnull=True)
            ),
            # Prevents two tasks of one id, which clients could not tell apart.
            models.UniqueConstraint(fields=["project", "task_id"], name="task_id_per_project"),
            # Prevents a list from being opened twice.
            models.UniqueConstraint(
                fields=["parent", "item_index"], name="task_per_item", condition=Q(parent__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            # Is anything of this instance unfinished, how many are in each state, and the next pieces of
            # lines when they are planned. One index for both: of two, databases would take the wrong one.
            models.Index(fields=["instance", "status", "stage", "stage_position"], name="task_by_status"),
            # Which items of a list are left, which are under way, and which start next.
            models.Index(
                fields=["parent", "status", "ready_at", "item_index"],
                name="task_items",
                condition=Q(parent__isnull=False),
            ),
            # What to publish next of each requirement set and project, in order.
            models.Index(
                fields=["requirement", "project", "-priority", "-rank", "ready_at", "id"],
                name="task_backlog",
                condition=Q(status=TaskState.PENDING, dispatch_id__isnull=True, ready_at__isnull=False)
                & ~Q(executor=EXTERNAL, gate=Gate.OPEN),
            ),
            # What workers that speak HTTP may take, in order.
            models.Index(
                fields=["project", "-priority", "id"],
                name="task_offered",
                condition=Q(
                    executor=EXTERNAL,
                    gate=Gate.OPEN,
                    status=TaskState.PENDING,
                    dispatch_id__isnull=True,
                    ready_at__isnull=False,
                ),
            ),
            # The most urgent of those that stand at a gate.
            models.Index(
                fields=["project", "status", "-priority", "id"],
                name="task_at_gate",
                condition=~Q(gate=Gate.OPEN) & Q(ready_at__isnull=False),
            ),
            # The tasks of a project, newest first.
            models.Index(fields=["project", "-id"], name="task_of_project"),
            # What was completed, newest first: of a project, and of all.
            models.Index(
                fields=["project", "-finished_at", "-id"],
                name="task_completed_of_project",
                condition=Q(status=TaskState.COMPLETED),
            ),
            models.Index(
                fields=["-finished_at", "-id"],
                name="task_completed",
                condition=Q(status=TaskState.COMPLETED),
            ),
            # What is out, to keep the publish window and to publish again what was never claimed.
            models.Index(
                fields=["requirement", "published_at"],
                name="task_queued",
                condition=Q(status=TaskState.QUEUED),
            ),
            # Whether any task has a requirement set, of which the unused are deleted, and any of a project.
            models.Index(
                fields=["requirement", "project"], name="task_required", condition=~Q(requirement="")
            ),
            # Followers whose canvas may have been lost.
            models.Index(
                fields=["dispatch_id"],
                name="task_planned",
                condition=Q(status=TaskState.PENDING, dispatch_id__isnull=False),
            ),
            # Whose lease has run out, and what a worker holds.
            models.Index(
                fields=["lease_expires_at", "worker"],
                name="task_leases",
                condition=Q(status=TaskState.RUNNING),
            ),
            # Who takes batches from streams.
            models.Index(
                fields=["id"],
                name="task_consumers",
                condition=Q(status=TaskState.WAITING, wait_kind=WaitKind.BATCHES),
            ),
            # What is due to wake.
            models.Index(fields=["wake_at"], name="task_timers", condition=Q(status=TaskState.WAITING)),
            # Finished tasks whose followers the sweep has yet to look at.
            models.Index(
                fields=["id"],
                name="task_unsettled",
                condition=Q(settled=False, status__in=sorted(TASK_FINAL)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """What it is called outside: its id, else its number."""
        return self.task_id if self.task_id is not None else str(self.pk)

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from the last claim to the end; None before that."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)
