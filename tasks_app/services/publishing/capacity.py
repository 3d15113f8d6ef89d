"""What takes no more tasks now: full instances, workflows, projects and capabilities.

Read without locks, to pass over what would be refused; whoever starts a task asks
``limits`` again, under them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tasks_app.models import Instance, Project, Workflow
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.publishing.limits import capability_limits_on, read_out
from tasks_app.states import TaskState


@dataclass(frozen=True, kw_only=True)
class Full:
    """What of a project has as many tasks out as it may.

    ``requirements``: requirement sets with a capability of which no more may be out.
    """

    is_project: bool = False
    instances: frozenset[int] = frozenset()
    workflows: frozenset[int] = frozenset()
    requirements: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is full."""
        return bool(self.is_project or self.instances or self.workflows or self.requirements)

    def passed_over(self, tasks: TaskQuerySet) -> TaskQuerySet:
        """Return those tasks that this does not keep from starting; what is out has its place."""
        ready = {"status": TaskState.PENDING}
        if self.is_project:
            return tasks.exclude(**ready)
        if self.instances:
            tasks = tasks.exclude(instance_id__in=self.instances, **ready)
        if self.workflows:
            tasks = tasks.exclude(instance__workflow_id__in=self.workflows, **ready)
        if self.requirements:
            tasks = tasks.exclude(requirement__in=self.requirements, **ready)
        return tasks


NOTHING_FULL: Final = Full()


def full_now(*, project: Project, requirements: Collection[str] = ()) -> Full:
    """Return what of a project, and which of these requirement sets, takes no more now."""
    out = read_out()
    by_instance = Counter(each.instance for each in out if each.project == project.pk)
    by_workflow = Counter(each.workflow for each in out if each.workflow is not None)
    most = Project.objects.filter(pk=project.pk).values_list("max_parallel", flat=True).first()
    instances = Instance.objects.filter(pk__in=by_instance, max_parallel__isnull=False)
    workflows = Workflow.objects.filter(pk__in=by_workflow, max_running__isnull=False)
    return Full(
        is_project=most is not None and by_instance.total() >= most,
        instances=_reached(instances.values_list("pk", "max_parallel"), by_instance),
        workflows=_reached(workflows.values_list("pk", "max_running"), by_workflow),
        requirements=frozenset(
            each
            for each in requirements
            if any(limit.left == 0 for limit in capability_limits_on(requirement=each, out=out))
        ),
    )


def _reached(mosts: Iterable[tuple[int, int | None]], out: Mapping[Any, int]) -> frozenset[int]:
    return frozenset(key for key, most in mosts if most is not None and out[key] >= most)
