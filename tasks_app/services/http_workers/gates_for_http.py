"""Gates judged where workers that speak HTTP ask for work, when no other worker is there to do it.

A gate is passed when a task's message is taken, and only workers inside CPDS take
messages. Judging needs none of a worker's capabilities: where no living one may take
the message, whoever asks next has it done.
"""

from collections.abc import Collection, Sequence

from django.db.models import QuerySet

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Instance, Project, Task, identifiers
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.publishing import window
from tasks_app.services.publishing.capacity import full_now
from tasks_app.services.publishing.limits import places_left
from tasks_app.states import CHILD_WORKFLOW, EXTERNAL, INSTANCE_RUNNABLE, Gate, TaskState

Row = tuple[int, int, str | None, str]
"""Of a task at a gate: its key, its instance, its dispatch if it has one, its requirement set."""

AT_ONCE = 50
JUDGE = "http-claims"
"""Under this name a task is claimed whose gate cannot be judged: to fail it there, as a worker does."""


def judge_gates(project: Project) -> int:
    """Lead tasks of a project through their gates; return how many.

    Only those that no living worker inside CPDS may take, and that workers that speak
    HTTP might perform or that start a workflow, the most urgent first. Those that a limit
    keeps from starting are passed over. Two at once do no harm.
    """
    led, stuck = 0, set[int]()
    stranded = _stranded(project)
    while stranded and (rows := _standing(project, stranded, stuck)):
        for row in rows:
            if _lead_on(*row):
                led += 1
            else:
                stuck.add(row[0])
    return led


def _stranded(project: Project) -> list[str]:
    """Return the requirement sets that a project's ready tasks wait for, and no living worker meets."""
    look = window.take_snapshot()
    wanted = {requirement for requirement, key in {*look.waiting, *look.queued} if key == project.pk}
    return [
        each for each in sorted(wanted) if not window.eligible_workers(requirement=each, project=project.pk)
    ]


def _standing(project: Project, stranded: Sequence[str], stuck: Collection[int]) -> list[Row]:
    """Return some tens of tasks that may be led through the gate they stand at now, but for these."""
    executors = sorted(judged_executors())
    # Not by project: what is out is few, and what a project ever had is many.
    out = Task.objects.filter(status=TaskState.QUEUED, requirement__in=stranded, executor__in=executors)
    rows = [row[:-1] for row in _gated(out) if row[-1] == project.pk and row[0] not in stuck]
    ready = Task.objects.backlog().filter(requirement__in=stranded, project=project, executor__in=executors)
    ready = full_now(project=project, requirements=stranded).passed_over(ready.exclude(pk__in=stuck))
    return rows + [row[:-1] for row in _gated(ready)[:AT_ONCE]]


def _gated(tasks: TaskQuerySet) -> "QuerySet[Task, tuple[int, int, str | None, str, int]]":
    gated = tasks.exclude(gate=Gate.OPEN).in_running_instance().in_dispatch_order()
    return gated.values_list("pk", "instance_id", "dispatch_id", "requirement", "project_id")


def _lead_on(task_id: int, instance_id: int, dispatch_id: str | None, requirement: str) -> bool:
    called = dispatch_id or _call(task_id, instance_id, requirement)
    return called is not None and _lead(task_id, called, requirement)


def is_judged_on_claim(task: Task) -> bool:
    """Return whether a task is one whose gates may be judged where HTTP workers ask."""
    return task.gate != Gate.OPEN and task.executor in judged_executors()


def judged_executors() -> set[str]:
    """Return the executors whose tasks may be judged where HTTP workers ask."""
    return {EXTERNAL, CHILD_WORKFLOW, *conf().http_worker_executors}


def _call(task_id: int, instance_id: int, requirement: str) -> str | None:
    """Give a ready task a dispatch of its own, if the limits leave it a place; no message goes out."""
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in INSTANCE_RUNNABLE:
            return None
        if places_left(instance=instance, requirements=[requirement])(requirement) <= 0:
            return None
        dispatch_id = identifiers.dispatch_id()
        moved = (
            Task.objects.backlog()
            .filter(pk=task_id)
            .move(to=TaskState.QUEUED, dispatch_id=dispatch_id, published_at=clock.database_now())
        )
    return dispatch_id if moved else None


def _lead(task_id: int, dispatch_id: str, requirement: str) -> bool:
    """Lead a task through its gates; return whether it stands elsewhere now."""
    # Imported here: templates are a heavy library, and most processes judge nothing.
    from tasks_app.services.gates.intake import lead_through_gates

    lead_through_gates(task_id=task_id, dispatch_id=dispatch_id, worker=JUDGE, able=[requirement])
    return not Task.objects.filter(pk=task_id, dispatch_id=dispatch_id).exclude(gate=Gate.OPEN).exists()
