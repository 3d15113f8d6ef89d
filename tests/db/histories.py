"""Random histories of one small instance: what may happen to its messages, workers and leases."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tasks_app.errors import StaleDispatch
from tasks_app.models import Dependency, ExecutionRecord, Instance, Task
from tasks_app.outcomes import Completed, Failed, Interrupted
from tasks_app.services.claims import Claim, claim_task, renew_claims
from tasks_app.services.reports import report_outcome
from tasks_app.services.sweep import free_claims_of
from tasks_app.states import INSTANCE_FINAL, RecordState, TaskState
from tests.support.builders import a_task
from tests.support.crashing import crash_at
from tests.support.doorbell import Doorbell, Message
from tests.support.driving import drive_to_end, let_time_pass, output_of, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound

LARGEST_GRAPH = 7
RARELY = 4
STARTED = (TaskState.RUNNING, TaskState.COMPLETED, TaskState.FAILED)
NAMES = tuple(f"t{number}" for number in range(LARGEST_GRAPH))
some = st.integers(min_value=0, max_value=10**6)


class History(RuleBasedStateMachine):
    """One instance in a world where messages are lost, doubled and late, and workers die or wake up late.

    ``held`` are the claims that some worker believes to hold, rightly or not.
    """

    doorbell: Doorbell
    instance: Instance
    held: list[tuple[Message, Claim]]

    @initialize(size=st.integers(2, LARGEST_GRAPH), edges=st.data())
    def submit(self, size, edges):
        self.doorbell = self.fresh_doorbell()
        self.held = []
        self.instance = an_instance(
            *(
                a_task(
                    name,
                    needs=edges.draw(st.lists(st.sampled_from(NAMES[:place]), max_size=3, unique=True))
                    if place
                    else (),
                )
                for place, name in enumerate(NAMES[:size])
            )
        )
        edges_of = Dependency.objects.filter(task__instance=self.instance)
        self.edges = list(edges_of.values_list("task_id", "needed_id"))

    def fresh_doorbell(self) -> Doorbell:
        raise NotImplementedError

    @precondition(lambda self: self.doorbell.messages)
    @rule(which=some, worker=st.sampled_from(["w1", "w2"]), twice=st.booleans())
    def deliver(self, which, worker, twice):
        messages = self.doorbell.messages
        message = messages[which % len(messages)] if twice else messages.pop(which % len(messages))
        try:
            claim = claim_task(task_id=message.task_id, dispatch_id=message.dispatch_id, worker=worker)
        except StaleDispatch:
            return
        self.held.append((message, claim))

    @precondition(lambda self: self.doorbell.messages)
    @rule(which=some)
    def lose_a_message(self, which):
        self.doorbell.messages.pop(which % len(self.doorbell.messages))

    @rule(chance=some)
    def empty_the_broker(self, chance):
        if chance % RARELY == 0:
            self.doorbell.take()

    @precondition(lambda self: self.held)
    @rule(which=some)
    def complete(self, which):
        self.report(which, lambda claim: Completed(output=output_of(claim)))

    @precondition(lambda self: self.held)
    @rule(which=some, chance=some)
    def fail(self, which, chance):
        if chance % RARELY == 0:
            self.report(which, lambda _claim: Failed(kind="exception", message="as drawn"))

    @precondition(lambda self: self.held)
    @rule(which=some)
    def hand_back(self, which):
        self.report(which, lambda _claim: Interrupted(reason="shutdown"))

    @precondition(lambda self: self.held)
    @rule(which=some, point=st.integers(1, 30))
    def die_while_reporting(self, which, point):
        message, claim = self.held.pop(which % len(self.held))
        with crash_at(point, self.doorbell):
            self.finish(message, claim, Completed(output=output_of(claim)))

    @precondition(lambda self: self.held)
    @rule(which=some)
    def die(self, which):
        self.held.pop(which % len(self.held))

    @precondition(lambda self: self.held)
    @rule(which=some)
    def renew(self, which):
        _, claim = self.held[which % len(self.held)]
        renew_claims(worker=claim.worker, claims=[(claim.task_id, claim.dispatch_id)])

    @rule(worker=st.sampled_from(["w1", "w2"]), chance=some)
    def start_a_worker_anew(self, worker, chance):
        if chance % RARELY == 0:
            free_claims_of(worker=worker)

    @rule()
    def sweep_at_once(self):
        sweep_now()

    @rule()
    def sweep_after_a_silence(self):
        """Every lease has run out, and every message is overdue."""
        let_time_pass()
        sweep_now()

    @rule(point=st.integers(1, 60))
    def die_while_sweeping(self, point):
        let_time_pass()
        with crash_at(point, self.doorbell):
            sweep_now()

    def report(self, which, outcome_of):
        message, claim = self.held.pop(which % len(self.held))
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

    @invariant()
    def nothing_started_before_what_it_needs_was_done(self):
        state = dict(Task.objects.filter(instance=self.instance).values_list("pk", "status"))
        for task, needed in self.edges:
            assert state[task] not in STARTED or state[needed] == TaskState.COMPLETED

    @invariant()
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

    @invariant()
    def one_attempt_runs_at_a_time(self):
        running = Task.objects.filter(instance=self.instance, status=TaskState.RUNNING)
        open_records = ExecutionRecord.objects.filter(
            task__instance=self.instance, status=RecordState.RUNNING
        )
        assert sorted(running.values_list("pk", "dispatch_id")) == sorted(
            open_records.values_list("task_id", "dispatch_id")
        )

    def teardown(self):
        if not hasattr(self, "instance"):
            return
        drive_to_end(self.instance, self.doorbell)
        assert self.instance.status in INSTANCE_FINAL
        assert_history_is_sound(self.instance)
        late, self.held = self.held, []
        for message, claim in late:
            self.finish(message, claim, Completed(output="too late"))
        self.instance.refresh_from_db()
        assert self.instance.status in INSTANCE_FINAL
