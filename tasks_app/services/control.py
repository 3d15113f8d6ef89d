"""Steer an instance: pause, resume, cancel, retry. Who did it and why is in the ledger."""

from collections.abc import Collection
from datetime import datetime

from cpds.base import clock, db
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove
from tasks_app.models import Event, Instance, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.advance import advance, start_waiting_instances
from tasks_app.services.lookup import find_instance
from tasks_app.services.release import close_records, take_back
from tasks_app.states import (
    INSTANCE_FINAL,
    TASK_UNSTARTED,
    InstanceState,
    RecordState,
    TaskState,
    instance_sources,
)

BATCH = 500


def pause_instance(
    *, given: str, by: str = "", reason: str = "", now: bool = False, until: datetime | None = None
) -> str:
    """Start nothing new in an instance; return its id.

    What runs may finish; with ``now`` it is stopped too and starts again at
    resume. ``until`` resumes it by itself. A paused instance holds no slot.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it is not running.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = _locked_for(found, InstanceState.PAUSED)
        _say_who(instance, InstanceState.PAUSED, by, reason, pause_reason=reason, paused_until=until)
        _call_back(instance.pk)
        if now:
            running = Task.objects.filter(instance=instance, status=TaskState.RUNNING)
            take_back(task_ids=list(running.values_list("pk", flat=True)), reason="paused", is_loss=False)
            Task.objects.backlog().filter(instance=instance).update(ready_at=None)
    return instance.public_id


def resume_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Let a paused instance go on; return its id.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it is not paused.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = _locked_for(found, InstanceState.RUNNING, only_from=InstanceState.PAUSED)
        _say_who(instance, InstanceState.RUNNING, by, reason, pause_reason="", paused_until=None)
    advance(instance_id=instance.pk)
    return instance.public_id


def cancel_instance(*, given: str, by: str = "", reason: str = "", drain: bool = False) -> str:
    """End an instance; return its id.

    What runs is stopped within seconds and its result refused; with ``drain`` it
    may finish first. Cancelling one that failed gives it up. Cancelling one that is
    cancelled already changes nothing.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it has ended otherwise.
    """
    found = find_instance(given=given)
    if found.status == InstanceState.CANCELLED:
        return found.public_id
    why = reason or (f"cancelled by {by}" if by else "cancelled")
    if found.status == InstanceState.FAILED:
        with db.transaction():
            instance = _locked_for(found, InstanceState.CANCELLED, only_from=InstanceState.FAILED)
            _say_who(instance, InstanceState.CANCELLED, by, why)
    elif drain and found.status == InstanceState.RUNNING:
        with db.transaction():
            instance = _locked_for(found, InstanceState.CANCELLED)
            Instance.objects.filter(pk=instance.pk).update(is_stopping=True)
            Event.objects.create(
                instance=instance, kind="instance.stopping", message=redact_text(why), data={"by": by}
            )
            _cancel_unstarted(instance.pk, why)
        advance(instance_id=instance.pk, after=[])
    elif not stop_for_good(instance_id=found.pk, to=InstanceState.CANCELLED, reason=why, by=by):
        found.refresh_from_db()
        raise IllegalMove(
            kind="Instance", key=found.public_id, state=found.status, wanted=InstanceState.CANCELLED
        )
    return found.public_id


def stop_for_good(*, instance_id: int, to: InstanceState, reason: str, by: str = "") -> bool:
    """End an instance as ``to`` now and cancel everything in it; return whether it was unfinished."""
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status in INSTANCE_FINAL:
            return False
        running = Task.objects.filter(instance=instance, status=TaskState.RUNNING)
        claims = list(running.values_list("pk", "dispatch_id"))
        close_records(claims=claims, status=RecordState.INTERRUPTED, kind="cancelled", message=reason)
        _cancel(running, reason)
        _cancel_unstarted(instance.pk, reason)
        _say_who(
            instance,
            to,
            by,
            reason,
            error_message=reason,
            finished_at=clock.database_now(),
            paused_until=None,
        )
    start_waiting_instances(workflow_id=instance.workflow_id)
    return True


def retry_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Go on with an instance that failed or was cancelled, from what did not complete; return its id.

    Completed tasks keep their results.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it did not fail and was not cancelled.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = _locked_for(
            found, InstanceState.RUNNING, only_from=(InstanceState.FAILED, InstanceState.CANCELLED)
        )
        again = Task.objects.filter(
            instance=instance,
            satisfies=False,
            status__in=[TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED],
        )
        again.move(
            to=TaskState.PENDING,
            message="retried",
            reason="",
            error_kind="",
            error_message="",
            failures=0,
            losses=0,
            dispatch_id=None,
            ready_at=None,
            wake_at=None,
            wait_kind="",
            worker="",
            finished_at=None,
            settled=False,
        )
        _say_who(
            instance,
            InstanceState.RUNNING,
            by,
            reason,
            error_message="",
            finished_at=None,
            is_stopping=False,
            deadline_at=None,
        )
    advance(instance_id=instance.pk)
    return instance.public_id


def _locked_for(
    found: Instance, to: InstanceState, only_from: InstanceState | Collection[InstanceState] = ()
) -> Instance:
    """Lock the instance and make sure that it may become ``to``."""
    sources = {only_from} if isinstance(only_from, InstanceState) else set(only_from) or instance_sources(to)
    instance = Instance.objects.locked(found.pk)
    if instance is None or instance.status not in sources or instance.is_pruning:
        state = "gone" if instance is None or instance.is_pruning else instance.status
        raise IllegalMove(kind="Instance", key=found.public_id, state=state, wanted=to)
    return instance


def _say_who(instance: Instance, to: InstanceState, by: str, reason: str, **changes: object) -> None:
    Instance.objects.filter(pk=instance.pk).move(
        to=to, message=redact_text(reason), data={"by": by} if by else {}, **changes
    )


def _call_back(instance_pk: int) -> None:
    """Make everything that is out or ready plain pending again: its messages are stale from now on."""
    out = Task.objects.filter(instance_id=instance_pk)
    out.filter(status=TaskState.QUEUED).move(
        to=TaskState.PENDING, message="paused", dispatch_id=None, ready_at=None
    )
    out.planned().update(dispatch_id=None)
    out.backlog().update(ready_at=None)


def _cancel_unstarted(instance_pk: int, reason: str) -> None:
    _cancel(Task.objects.filter(instance_id=instance_pk, status__in=sorted(TASK_UNSTARTED)), reason)


def _cancel(tasks: TaskQuerySet, reason: str) -> None:
    tasks.move(
        to=TaskState.CANCELLED,
        message=reason,
        reason=reason,
        dispatch_id=None,
        lease_expires_at=None,
        wake_at=None,
        wait_kind="",
        finished_at=clock.database_now(),
        settled=True,
    )
