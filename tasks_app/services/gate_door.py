"""Gates judged where workers that speak HTTP ask for work, when no other worker is there to do it.

A gate is passed when a task's message is taken, and only workers inside CPDS take
messages. Judging needs none of a worker's capabilities: where no living one may take
the message, whoever asks next has it done.
"""

from django.db.models import Q

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.errors import StaleDispatch
from tasks_app.models import Instance, Project, Task, identifiers
from tasks_app.models.task import TaskQuerySet
from tasks_app.outcomes import Failed
from tasks_app.services.claims import claim_task
from tasks_app.services.limits import places_left
from tasks_app.services.reports import report_outcome
from tasks_app.services.window import hands_for
from tasks_app.states import CHILD_WORKFLOW, EXTERNAL, INSTANCE_RUNNABLE, Gate, TaskState

AT_ONCE = 50
DOOR = "claim-door"
"""Under this name a task is claimed whose gate cannot be judged: to fail it there, as a worker does."""


def judge_gates(*, project: Project) -> int:
    """Lead tasks of a project through their gates; return how many.

    Only those that no living worker inside CPDS may take, and that workers that speak
    HTTP might perform or that start a workflow, the most urgent first. Two at once do
    no harm.
    """
    led = 0
    while number := _judge_some(project):
        led += number
    return led


def _judge_some(project: Project) -> int:
    """Lead some tens of tasks through the gate they stand at; return how many."""
    rows = _gated().in_running_instance().filter(project=project).in_dispatch_order()
    led = 0
    found = list(rows.values_list("pk", "instance_id", "dispatch_id", "requirement")[:AT_ONCE])
    for task_id, instance_id, dispatch_id, requirement in found:
        if hands_for(requirement=requirement, project=project.pk):
            continue
        called = dispatch_id or _call(task_id, instance_id, requirement)
        if called is not None:
            led += _lead(task_id, called, requirement)
    return led


def is_judged_at_the_door(*, task: Task) -> bool:
    """Return whether a task is one whose gates may be judged where HTTP workers ask."""
    return task.gate != Gate.OPEN and task.executor in _executors()


def _gated() -> TaskQuerySet:
    ready = Q(status=TaskState.PENDING, dispatch_id__isnull=True, ready_at__isnull=False)
    out = Q(status=TaskState.QUEUED)
    found: TaskQuerySet = Task.objects.filter(ready | out, executor__in=sorted(_executors()))
    return found.exclude(gate=Gate.OPEN)


def _executors() -> set[str]:
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
    from tasks_app.services.gates import pass_gates

    passage = pass_gates(task_id=task_id, dispatch_id=dispatch_id)
    if isinstance(passage, tuple):
        gate, failure = passage
        try:
            _fail_at(gate, failure, task_id=task_id, dispatch_id=dispatch_id, requirement=requirement)
        except StaleDispatch:
            return False
    return not Task.objects.filter(pk=task_id, dispatch_id=dispatch_id).exclude(gate=Gate.OPEN).exists()


def _fail_at(gate: Gate, failure: Failed, *, task_id: int, dispatch_id: str, requirement: str) -> None:
    claim = claim_task(task_id=task_id, dispatch_id=dispatch_id, worker=DOOR, gate=gate, able=[requirement])
    report_outcome(claim=claim, outcome=failure)
