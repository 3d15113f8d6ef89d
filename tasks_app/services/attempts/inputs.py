"""What a claimed task may read: its arguments, filled in from the outputs of others, and those outputs."""

from collections.abc import Collection, Mapping

from tasks_app.models import Task
from tasks_app.outcomes import JSON, Failed
from tasks_app.planning.templates.rendering import TemplateError, render
from tasks_app.services.attempts.claims import Claim
from tasks_app.states import TASK_FINAL, TaskState


def render_arguments(claim: Claim) -> dict[str, JSON] | Failed:
    """Return the task's ``with`` with its templates filled in, or how that failed.

    An undo's templates know what those of the task it compensates do, and its ``output``.
    """
    name, extra = claim.name, {}
    if claim.compensates is not None:
        name, extra["output"] = Task.objects.values_list("name", "output").get(pk=claim.compensates)
    try:
        return render(
            claim.arguments,
            params=claim.params,
            outputs={
                **outputs_of(instance_pk=claim.instance_pk, names=claim.reads),
                **foreign_outputs(claim.foreign),
                **claim.batch,
            },
            instance={"id": claim.instance_id, "workflow": claim.workflow_name},
            task={"name": name, "attempt": claim.attempt},
            extra={**claim.roots, **extra},
        )
    except TemplateError as error:
        return Failed(kind="bad_template", message=str(error))


def read_upstream(*, claim: Claim, name: str) -> JSON:
    """Return the output of a task that this one depends on, directly or not.

    An undo reads what the task it compensates could, and that task's own.

    :raises LookupError: when it does not.
    """
    if name in claim.batch:
        return claim.batch[name]
    if claim.compensates is not None:
        own = Task.objects.filter(pk=claim.compensates, name=name).values_list("output", flat=True)
        if own.exists():
            return own.get()
    start = claim.compensates or claim.task_id
    frontier = {start, *Task.objects.filter(items=start).values_list("pk", flat=True)}
    seen: set[int] = set()
    while frontier:
        needed = Task.objects.filter(followers__task_id__in=frontier).values_list("pk", "name")
        found = {pk: needed_name for pk, needed_name in needed if pk not in seen}
        for pk, needed_name in found.items():
            if needed_name == name:
                return Task.objects.values_list("output", flat=True).get(pk=pk)
        seen |= found.keys()
        frontier = set(found)
    raise LookupError(f"Task {claim.name!r} does not depend on a task named {name!r}; add it to its needs.")


def outputs_of(*, instance_pk: int, names: Collection[str]) -> dict[str, JSON]:
    """Return what templates may see of these tasks: their outputs, None for one that made none."""
    if not names:
        return {}
    over = sorted(TASK_FINAL | {TaskState.COMPENSATING})
    rows = Task.objects.filter(instance_id=instance_pk, name__in=names, parent__isnull=True, status__in=over)
    return dict(rows.values_list("name", "output"))


def foreign_outputs(key_of: Mapping[str, int]) -> dict[str, JSON]:
    """Return what templates may see of tasks of other instances, by the names they have there."""
    if not key_of:
        return {}
    rows = Task.objects.filter(pk__in=key_of.values(), satisfies=True).values_list("pk", "output")
    found = dict(rows)
    return {name: found[key] for name, key in key_of.items() if key in found}
