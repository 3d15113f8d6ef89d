"""Tasks one by one: which there are, where one stands, what holds it, and its attempts."""

from collections.abc import Collection, Sequence
from typing import Final

from django.db.models import Q, QuerySet
from msgspec.structs import asdict

from tasks_app.models import Dependency, ExecutionRecord, Task
from tasks_app.planning.inputs.secrets import secret_names, shown_value
from tasks_app.services.explain.holds import Hold
from tasks_app.services.explain.why import why_instance, why_waiting
from tasks_app.services.lookup.by_name import find_task
from tasks_app.services.progress.foreign import foreign_names
from tasks_app.services.queries.values import moment, moment_of
from tasks_app.services.queries.views.instances import WhyView
from tasks_app.services.queries.views.tasks import (
    AttemptErrorView,
    HeldTaskView,
    HoldView,
    RecordsView,
    RecordView,
    TaskDetailView,
    TaskErrorView,
    TaskView,
    TaskWhyView,
)

READ_TAGS: Final = 20_000
READ_TAGGED: Final = 1_000


def list_tasks(
    *,
    project: str | None = None,
    status: str | None = None,
    executor: str | None = None,
    tag: str | None = None,
    created_by: str | None = None,
    worker: str | None = None,
    only_loose: bool = False,
    search: str = "",
    limit: int = 20,
    offset: int = 0,
) -> list[TaskView]:
    """Return the newest tasks, newest first, without the first ``offset``: what ``task list --json`` prints.

    ``project`` is a slug. ``only_loose``: those that were created on their own. ``search``
    looks in ids, names and titles.
    """
    wanted = {
        "project__slug": project,
        "status": status,
        "executor": executor,
        "created_by": created_by,
        "worker": worker,
    }
    rows = Task.objects.filter(**{key: value for key, value in wanted.items() if value is not None})
    if only_loose:
        rows = rows.filter(task_id__isnull=False)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(title__icontains=search))
    if tag is not None:
        rows = rows.filter(pk__in=_tagged(tag))
    found = rows.select_related("instance", "project").defer("spec", "output").order_by("-pk")
    return [task_summary(task) for task in found[offset : offset + limit]]


def task_detail(*, given: str, projects: Collection[int] | None = None) -> TaskDetailView:
    """Return everything about a task: what ``task show --json`` prints.

    :raises NotFound: when there is no such task.
    """
    return detail_of(find_task(given=given, projects=projects))


def detail_of(task: Task) -> TaskDetailView:
    """Return the same about a task that was found before, as its row was read."""
    needs = (
        Dependency.objects.filter(task=task)
        .order_by("id")
        .values_list("needed_id", "needed__name", "is_foreign")
    )
    names = foreign_names([key for key, _, is_foreign in needs if is_foreign])
    error = TaskErrorView(kind=task.error_kind, message=task.error_message) if task.error_kind else None
    secrets = secret_names(task.instance.definition)
    return TaskDetailView(
        **asdict(task_summary(task)),
        description=task.description,
        needs=[names.get(key, name) for key, name, _ in needs],
        requires=task.requires,
        deployment_mode=task.deployment_mode or None,
        claude_context=task.claude_context or None,
        reason=task.reason or None,
        output=shown_value(task.output, params=task.instance.params, secrets=secrets),
        error=error,
    )


def _tagged(tag: str) -> list[int]:
    """Return the newest tasks that have a tag; SQLite cannot look into a list of texts."""
    rows = Task.objects.exclude(tags=[]).order_by("-pk").values_list("pk", "tags")
    return [pk for pk, tags in rows[:READ_TAGS] if tag in tags][:READ_TAGGED]


def task_summary(task: Task) -> TaskView:
    """Return what a list shows of a task, whose instance and project are loaded."""
    return TaskView(
        id=task.pk,
        task_id=task.task_id,
        name=task.name,
        title=task.title or None,
        instance_id=task.instance.public_id,
        project=task.project.slug,
        status=task.status,
        executor=task.executor,
        priority=task.priority,
        tags=task.tags,
        created_by=task.created_by or None,
        worker=task.worker or None,
        attempts=task.attempts,
        progress=task.progress,
        progress_message=task.progress_message or None,
        created_at=moment_of(task.created_at),
        started_at=moment(task.started_at),
        finished_at=moment(task.finished_at),
    )


def task_holds(*, given: str, projects: Collection[int] | None = None) -> TaskWhyView:
    """Return where a task stands and what holds it: what ``task why --json`` prints.

    :raises NotFound: when there is no such task.
    """
    task = find_task(given=given, projects=projects)
    held = _held(task, why_waiting(task))
    return TaskWhyView(**asdict(held), instance_id=task.instance.public_id)


def instance_holds(given: str) -> WhyView:
    """Return where an instance stands, what holds it, and what holds its foremost unfinished tasks.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    instance, holds, tasks = why_instance(given=given)
    return WhyView(
        id=instance.public_id,
        status=instance.status,
        finished_at=moment(instance.finished_at),
        error_message=instance.error_message or None,
        holds=[_hold(each) for each in holds],
        tasks=[_held(task, of_task) for task, of_task in tasks],
    )


def task_records(given: str) -> RecordsView:
    """Return a task with all its attempts, oldest first: what ``task records --json`` prints.

    :raises NotFound: when there is no such task.
    """
    task = find_task(given=given)
    records = list(records_of(task))
    return records_view(task=task, records=records, total=len(records), has_more=False)


def records_of(task: Task) -> "QuerySet[ExecutionRecord]":
    """Return the attempts at a task, oldest first, without the long texts of each."""
    return ExecutionRecord.objects.filter(task=task).defer("prompt", "answer", "output").order_by("number")


def records_view(
    *, task: Task, records: Sequence[ExecutionRecord], total: int, has_more: bool
) -> RecordsView:
    """Return a task with some of its ``total`` attempts; ``has_more`` says whether others follow."""
    return RecordsView(
        instance_id=task.instance.public_id,
        id=task.pk,
        name=task.name,
        status=task.status,
        total=total,
        records=[_record(each) for each in records],
        has_more=has_more,
    )


def _held(task: Task, holds: list[Hold]) -> HeldTaskView:
    return HeldTaskView(
        id=task.pk,
        name=task.name,
        status=task.status,
        finished_at=moment(task.finished_at),
        holds=[_hold(each) for each in holds],
    )


def _hold(hold: Hold) -> HoldView:
    return HoldView(
        kind=hold.kind.value,
        sentence=hold.sentence,
        since=moment(hold.since),
        until=moment(hold.until),
    )


def _record(record: ExecutionRecord) -> RecordView:
    micros = record.cost_usd_micros
    return RecordView(
        attempt=record.number,
        status=record.status,
        worker=record.worker,
        executor=record.executor,
        model=record.model or None,
        started_at=moment(record.started_at),
        finished_at=moment(record.finished_at),
        duration_ms=record.duration_ms,
        error=(
            AttemptErrorView(kind=record.error_kind, message=record.error_message, detail=record.error_detail)
            if record.error_kind
            else None
        ),
        tokens=record.tokens_used,
        cost_usd=micros / 1_000_000 if micros is not None else None,
        simulated=record.simulated,
    )
