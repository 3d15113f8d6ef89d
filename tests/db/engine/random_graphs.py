"""Random workflows, and a world in which their attempts go as planned, in an order that is drawn."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, Instance, Task, Workflow
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.gates.evaluate import GateResult, evaluate_gates
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import INSTANCE_FINAL, TaskState, WaitKind
from tests.db.engine.graph_oracle import COMPLETE, FAIL, FATAL, LOSE, Course, Plan
from tests.support.builders import a_workflow
from tests.support.doorbell import Doorbell, Message
from tests.support.driving import WORKER, let_time_pass, sweep_now
from tests.support.engine import state_of

LARGEST = 12
STEPS = 600
ACTS = st.lists(st.sampled_from([FAIL, FAIL, FATAL, LOSE, COMPLETE]), max_size=3)
QUIET = st.just([])


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Plan]:
    """Return the tasks of a workflow, each after what it needs."""
    found: dict[str, Plan] = {}
    for number in range(draw(st.integers(1, LARGEST))):
        needs = draw(st.lists(st.sampled_from(sorted(found)), unique=True, max_size=3)) if found else []
        is_list = draw(st.integers(0, 5)) == 0
        acts = draw(st.one_of(QUIET, QUIET, ACTS))
        found[f"t{number:02}"] = Plan(
            name=f"t{number:02}",
            needs=needs,
            join=draw(_joins(len(needs))),
            when=draw(st.sampled_from([None, None, None, True, False])),
            allow_failure=draw(st.integers(0, 3)) == 0,
            retries=draw(st.integers(0, 2)),
            undoable=draw(st.booleans()),
            acts=acts,
            items=draw(st.lists(st.one_of(QUIET, ACTS), max_size=3)) if is_list else None,
            most_items=draw(st.sampled_from([None, 1, 2])) if is_list else None,
        )
    return found


def _joins(needs: int) -> st.SearchStrategy[str | int]:
    if needs == 0:
        return st.sampled_from(["all", "all_done"])
    return st.one_of(st.just("all"), st.sampled_from(["all", "any", "all_done"]), st.integers(1, needs))


def as_task(plan: Plan) -> dict[str, Any]:
    """Return a task as it stands in a workflow file."""
    task: dict[str, Any] = {"name": plan.name, "run": "noop"}
    if plan.needs:
        task["needs"] = list(plan.needs)
    if plan.join != "all":
        task["join"] = {"at_least": plan.join} if isinstance(plan.join, int) else plan.join
    if plan.when is not None:
        task["when"] = "{{ params.yes }}" if plan.when else "{{ params.no }}"
    if plan.allow_failure:
        task["allow_failure"] = True
    if plan.retries:
        task["retry"] = {"count": plan.retries, "interval": 1, "jitter": False}
    if plan.undoable:
        task["compensate"] = {"run": "noop"}
    if plan.items is not None:
        task["for_each"] = list(range(len(plan.items)))
        if plan.most_items is not None:
            task["max_parallel"] = plan.most_items
    return task


class World:
    """One instance whose attempts go as planned; who is next is drawn."""

    def __init__(
        self, *, plans: Mapping[str, Plan], policy: str, most: int | None, doorbell: Doorbell, chance: Random
    ) -> None:
        self.plans, self.policy, self.most = plans, policy, most
        self.doorbell, self.chance = doorbell, chance
        self.held: list[tuple[Message, Claim, str]] = []
        self.courses: dict[str, Course] = {}
        doorbell.take()
        Workflow.objects.all().delete()  # what an example left that failed
        more: dict[str, Any] = {} if most is None else {"max_parallel": most}
        source = a_workflow(
            *map(as_task, plans.values()), params={"yes": True, "no": False}, on_failure=policy, **more
        )
        uploaded = upload_workflow(source=source.encode())
        key = submit_instance(workflow=uploaded.workflow_id)
        self.instance = Instance.objects.get(public_id=key)

    def run(self) -> None:
        """Go on until the instance has ended."""
        for _ in range(STEPS):
            self._step()
            self._check_limits()
            self.instance.refresh_from_db()
            if self.instance.status in INSTANCE_FINAL and not self.held:
                return
        raise AssertionError(f"it did not end: {state_of(self.instance)}")

    def _step(self) -> None:
        choices = len(self.doorbell.messages) + len(self.held)
        if choices == 0:
            let_time_pass()
            between = Task.objects.filter(status=TaskState.WAITING, wait_kind=WaitKind.RETRY)
            between.update(wake_at=clock.database_now())
            sweep_now()
            return
        chosen = self.chance.randrange(choices)
        if chosen < len(self.doorbell.messages):
            self._take(self.doorbell.messages.pop(chosen))
        else:
            self._report(*self.held.pop(chosen - len(self.doorbell.messages)))

    def _take(self, message: Message) -> None:
        try:
            claim = claim_task(task_id=message.task_id, dispatch_id=message.dispatch_id, worker=WORKER)
        except StaleDispatch:
            passage = evaluate_gates(task_id=message.task_id, dispatch_id=message.dispatch_id)
            if passage is GateResult.OPEN:
                self._take(message)
            elif passage is GateResult.SKIPPED:
                self.doorbell.completed(message)
            else:
                assert passage is GateResult.CLOSED, passage
            return
        act = COMPLETE if claim.compensates is not None else self._course(claim).next()
        if act != LOSE:
            self.held.append((message, claim, act))

    def _course(self, claim: Claim) -> Course:
        if claim.name not in self.courses:
            name, _, index = claim.name.partition("[")
            plan = self.plans[name]
            acts = plan.acts if plan.items is None else plan.items[int(index.rstrip("]"))]
            self.courses[claim.name] = Course(plan=plan, acts=list(acts))
        return self.courses[claim.name]

    def _report(self, message: Message, claim: Claim, act: str) -> None:
        match act:
            case "complete":
                goes_on = report_outcome(claim=claim, outcome=Completed(output=claim.name))
            case _:
                failed = Failed(kind="exception", message="as drawn", retryable=act == FAIL)
                goes_on = report_outcome(claim=claim, outcome=failed)
        if goes_on:
            self.doorbell.completed(message)

    def _check_limits(self) -> None:
        if self.most is not None:
            active = Task.objects.filter(
                instance=self.instance, status__in=[TaskState.QUEUED, TaskState.RUNNING]
            )
            assert active.count() <= self.most

    def ends(self) -> dict[str, str]:
        """Return how each task of the file ended; one whose condition was false is ``not needed``."""
        rows = Task.objects.filter(instance=self.instance, parent__isnull=True, compensates__isnull=True)
        return {
            name: "not needed" if status == TaskState.SKIPPED and satisfies else status
            for name, status, satisfies in rows.values_list("name", "status", "satisfies")
        }

    def broken_lists(self) -> set[str]:
        """Return the lists of which an item failed that was not allowed to."""
        items = Task.objects.filter(
            instance=self.instance, parent__isnull=False, status=TaskState.FAILED, allow_failure=False
        )
        return set(items.values_list("parent__name", flat=True))

    def starts_after_the_first_open_failure(self) -> Iterator[str]:
        """Yield the tasks (of an item: its list) that started then, on the way forward."""
        events = Event.objects.filter(instance=self.instance, task__compensates__isnull=True)
        first = (
            events.filter(kind="task.failed", task__allow_failure=False)
            .order_by("id")
            .values_list("id", flat=True)
            .first()
        )
        later = events.filter(kind="task.running", id__gt=first or 0) if first else events.none()
        for name in later.values_list("task__name", flat=True):
            yield name.partition("[")[0]
