"""Random histories of one small instance: what may happen to its messages, workers and leases."""

from collections.abc import Callable
from random import Random

from tasks_app.errors import StaleDispatch
from tasks_app.models import Dependency, ExecutionRecord, Task
from tasks_app.outcomes import Completed, Failed, Interrupted, Outcome
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.leases import renew_claims
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.maintenance.sweep import free_claims_of
from tasks_app.states import INSTANCE_FINAL, RecordState, TaskState
from tests.support.builders import a_task
from tests.support.crashing import crash_at
from tests.support.doorbell import Doorbell, Message
from tests.support.driving import drive_to_end, let_time_pass, output_of, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound

LARGEST_GRAPH = 7
STARTED = (TaskState.RUNNING, TaskState.COMPLETED, TaskState.FAILED)
WORKERS = ("w1", "w2")


class History:
    """One instance in a world where messages are lost, doubled and late, and workers die or wake up late.

    ``held`` are the claims that some worker believes to hold, rightly or not. The
    same seed makes the same history.
    """

    def __init__(self, seed: int, doorbell: Doorbell) -> None:
        self.chance = Random(seed)
        self.doorbell = doorbell
        self.held: list[tuple[Message, Claim]] = []
        names = [f"t{number}" for number in range(self.chance.randint(2, LARGEST_GRAPH))]
        self.instance = an_instance(
            *(
                a_task(
                    name,
                    needs=self.chance.sample(names[:place], min(place, self.chance.choice([0, 1, 1, 2, 3]))),
                )
                for place, name in enumerate(names)
            )
        )
        edges = Dependency.objects.filter(task__instance=self.instance)
        self.edges = list(edges.values_list("task_id", "needed_id"))

    def step(self) -> None:
        """Let one thing happen."""
        happenings: dict[Callable[[], None], int] = {
            self.deliver: 8,
            self.complete: 5,
            self.deliver_and_complete: 4,
            self.sweep_after_a_silence: 3,
            self.lose_a_message: 2,
            self.hand_back: 1,
            self.fail: 1,
            self.die: 1,
            self.die_while_reporting: 2,
            self.die_while_sweeping: 1,
            self.renew: 1,
            self.sweep_at_once: 1,
            self.empty_the_broker: 1,
            self.start_a_worker_anew: 1,
        }
        (happens,) = self.chance.choices(list(happenings), weights=list(happenings.values()))
        happens()

    def deliver(self) -> None:
        """Deliver any message, not the oldest only; one in three stays in the queue and comes again."""
        if not self.doorbell.messages:
            return
        message = self.chance.choice(self.doorbell.messages)
        if self.chance.randrange(3):
            self.doorbell.messages.remove(message)
        worker = self.chance.choice(WORKERS)
        try:
            claim = claim_task(task_id=message.task_id, dispatch_id=message.dispatch_id, worker=worker)
        except StaleDispatch:
            return
        self.held.append((message, claim))

    def deliver_and_complete(self) -> None:
        self.deliver()
        self.complete()

    def lose_a_message(self) -> None:
        if self.doorbell.messages:
            self.doorbell.messages.remove(self.chance.choice(self.doorbell.messages))

    def empty_the_broker(self) -> None:
        self.doorbell.take()

    def complete(self) -> None:
        self.report(lambda claim: Completed(output=output_of(claim)))

    def fail(self) -> None:
        if not self.chance.randrange(3):
            self.report(lambda _claim: Failed(kind="exception", message="as drawn"))

    def hand_back(self) -> None:
        self.report(lambda _claim: Interrupted(reason="shutdown"))

    def die_while_reporting(self) -> None:
        with crash_at(self.chance.randint(1, 10), self.doorbell):
            self.complete()

    def die(self) -> None:
        if self.held:
            self.held.remove(self.chance.choice(self.held))

    def renew(self) -> None:
        for _, claim in self.held:
            renew_claims(worker=claim.worker, claims=[(claim.task_id, claim.dispatch_id)])

    def start_a_worker_anew(self) -> None:
        free_claims_of(worker=self.chance.choice(WORKERS))

    def sweep_at_once(self) -> None:
        sweep_now()

    def sweep_after_a_silence(self) -> None:
        """Every lease has run out, and every message is overdue."""
        let_time_pass()
        sweep_now()

    def die_while_sweeping(self) -> None:
        let_time_pass()
        with crash_at(self.chance.randint(1, 45), self.doorbell):
            sweep_now()

    def report(self, outcome_of: Callable[[Claim], Outcome]) -> None:
        if self.held:
            message, claim = self.held.pop(self.chance.randrange(len(self.held)))
            self.finish(message, claim, outcome_of(claim))

    def finish(self, message, claim, outcome):
        before = self.row(claim)
        is_held = (before["status"], before["dispatch_id"]) == (TaskState.RUNNING, claim.dispatch_id)
        try:
            goes_on = report_outcome(claim=claim, outcome=outcome)
        except StaleDispatch:
            assert not is_held, "a held claim was refused"
            assert self.row(claim) == before, "a late worker changed its task"
            return
        assert is_held, "a late outcome was taken"
        assert goes_on is isinstance(outcome, Completed)
        if goes_on:
            self.doorbell.completed(message)

    @staticmethod
    def row(claim):
        return Task.objects.filter(pk=claim.task_id).values().get()

    def nothing_started_before_what_it_needs_was_done(self):
        state = dict(Task.objects.filter(instance=self.instance).values_list("pk", "status"))
        for task, needed in self.edges:
            assert state[task] not in STARTED or state[needed] == TaskState.COMPLETED

    def an_output_is_that_of_its_one_completed_attempt(self):
        completed = ExecutionRecord.objects.filter(
            task__instance=self.instance, status=RecordState.COMPLETED
        ).values_list("task_id", "number", "dispatch_id")
        outputs = dict(
            Task.objects.filter(instance=self.instance, status=TaskState.COMPLETED).values_list(
                "pk", "output"
            )
        )
        assert sorted((pk, output) for pk, output in outputs.items()) == sorted(
            (task, f"{task}:{number}:{dispatch}") for task, number, dispatch in completed
        )

    def one_attempt_runs_at_a_time(self):
        running = Task.objects.filter(instance=self.instance, status=TaskState.RUNNING)
        open_records = ExecutionRecord.objects.filter(
            task__instance=self.instance, status=RecordState.RUNNING
        )
        assert sorted(running.values_list("pk", "dispatch_id")) == sorted(
            open_records.values_list("task_id", "dispatch_id")
        )

    def check(self) -> None:
        """Check what holds at any moment."""
        self.nothing_started_before_what_it_needs_was_done()
        self.an_output_is_that_of_its_one_completed_attempt()
        self.one_attempt_runs_at_a_time()

    def end(self) -> None:
        """Let everything go well from now on: the instance ends, and nothing that comes later changes it."""
        drive_to_end(self.instance, self.doorbell)
        assert self.instance.status in INSTANCE_FINAL
        assert_history_is_sound(self.instance)
        late, self.held = self.held, []
        for message, claim in late:
            self.finish(message, claim, Completed(output="too late"))
        self.instance.refresh_from_db()
        assert self.instance.status in INSTANCE_FINAL
