"""Workers and time, in this process: take what was published, claim it, report on it; let leases run out."""

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import Chore, Instance, Task
from tasks_app.outcomes import Completed, Failed, Outcome
from tasks_app.services.attempts.claims import Claim, claim_task
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.attempts.stopped import acknowledge_stop
from tasks_app.services.gates.intake import Declined, take_task
from tasks_app.services.maintenance.sweep import Swept, sweep
from tasks_app.states import INSTANCE_FINAL, TASK_FINAL, TaskState
from tests.support.doorbell import Doorbell, Message
from tests.support.engine import state_of

LONG_AGO = -3600
ROUNDS = 60
WORKER = "worker@test"


def claim(row: Task, *, worker: str = WORKER) -> Claim:
    """Claim a task under the dispatch its row has, as a worker that has what it requires."""
    row.refresh_from_db()
    return claim_task(
        task_id=row.pk, dispatch_id=row.dispatch_id or "", worker=worker, able=[row.requirement]
    )


def output_of(held: Claim) -> str:
    """Return an output that tells whose it is."""
    return f"{held.task_id}:{held.attempt}:{held.dispatch_id}"


def complete(row: Task, **more: object) -> Claim:
    """Claim a task and complete it."""
    held = claim(row)
    report_outcome(claim=held, outcome=Completed(output=output_of(held), **more))
    return held


def fail(row: Task, message: str = "as asked") -> Claim:
    """Claim a task and fail it."""
    held = claim(row)
    report_outcome(claim=held, outcome=Failed(kind="exception", message=message))
    return held


def stopped(held: Claim) -> None:
    """Have the worker of a revoked claim say that it has stopped."""
    acknowledge_stop(task_id=held.task_id, dispatch_id=held.dispatch_id, instance_id=held.instance_pk)


def deliver(message: Message, doorbell: Doorbell, *, outcome: Outcome | None = None) -> bool:
    """Do with a message what a worker does; return whether its canvas went on."""
    try:
        goes_on = _perform(message, outcome)
    except StaleDispatch:
        return False
    if goes_on:
        doorbell.completed(message)
    return goes_on


def _perform(message: Message, outcome: Outcome | None) -> bool:
    taken = take_task(task_id=message.task_id, dispatch_id=message.dispatch_id, worker=WORKER)
    if isinstance(taken, Declined):
        return taken.canvas_goes_on
    return report_outcome(claim=taken, outcome=outcome or Completed(output=output_of(taken)))


def let_time_pass() -> None:
    """Age everything that waits for a time: leases, messages, finished tasks, the last sweep."""
    past = clock.database_now_plus(LONG_AGO)
    Task.objects.filter(status=TaskState.RUNNING).update(lease_expires_at=past)
    Task.objects.filter(status=TaskState.QUEUED).update(published_at=past)
    Task.objects.filter(status__in=sorted(TASK_FINAL)).update(finished_at=past)
    forget_sweeps()


def forget_sweeps() -> None:
    """Make it as if no sweep had ever run."""
    Chore.objects.update(ran_at=None, grace_until=None)


def sweep_now() -> Swept:
    """Sweep, however recent the last one was."""
    forget_sweeps()
    swept = sweep()
    assert swept is not None
    return swept


def drive_to_end(instance: Instance, doorbell: Doorbell) -> Instance:
    """Deliver and sweep, time passing in between, until the instance has ended."""
    for _ in range(ROUNDS):
        while messages := doorbell.take():
            for message in messages:
                deliver(message, doorbell)
        instance.refresh_from_db()
        if instance.status in INSTANCE_FINAL:
            return instance
        let_time_pass()
        sweep_now()
    raise AssertionError(f"{instance} did not end in {ROUNDS} rounds: {state_of(instance)}")
