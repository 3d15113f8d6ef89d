"""How an attempt ended, written to its task and its record: in one transaction, under its fence."""

import json

from django.db.models import F

from cpds.base import clock, db
from cpds.base.redaction import redact
from tasks_app.models import ExecutionRecord, Instance, Task, hot_path
from tasks_app.outcomes import Report
from tasks_app.planning.engine.decisions import Decision, Finish, HandBack, TryAgain
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.attempts.sanitize import record_columns
from tasks_app.services.progress.batches import streams_must_end
from tasks_app.services.progress.saga import mark_compensated
from tasks_app.services.publishing.release import end_for_good, release_followers, take_back
from tasks_app.states import InstanceState, TaskState, WaitKind


def record_end(*, claim: Claim, decision: Decision, report: Report) -> None:
    """Do to an attempt's task what was decided, and close its record.

    :raises StaleDispatch: when the claim is no longer held; nothing was changed.
    """
    with db.transaction():
        match decision:
            case Finish(state=TaskState.COMPLETED):
                _complete(claim, decision, report)
            case Finish():
                _fail(claim, decision, report)
            case TryAgain():
                _wait_for_another_try(claim, decision, report)
            case HandBack():
                _hand_back(claim, decision)


def _complete(claim: Claim, decision: Finish, report: Report) -> None:
    output = json.dumps(decision.output)
    if not hot_path.COMPLETE.run(**claim.fence._asdict(), output=output):
        raise claim.fence.stale()
    hot_path.NOTE_MOVE.run(
        task_id=claim.task_id,
        instance_id=claim.instance_pk,
        attempt=claim.attempt,
        kind=f"task.{TaskState.COMPLETED}",
        worker=claim.worker,
        data="{}",
    )
    if report == Report():
        hot_path.CLOSE_RECORD.run(**claim.fence._asdict(), output=output)
    else:
        _close_record(claim, decision, report, output=decision.output)
    if claim.compensates is not None:
        mark_compensated(claim.compensates)


def _fail(claim: Claim, decision: Finish, report: Report) -> None:
    moved = claim.fence.held().move(
        to=decision.state,
        by=claim.worker,
        message=decision.error_message,
        data={"kind": decision.error_kind},
        error_kind=decision.error_kind,
        error_message=decision.error_message,
        lease_expires_at=None,
        finished_at=clock.database_now(),
    )
    if not moved:
        raise claim.fence.stale()
    _close_record(claim, decision, report, output=redact(decision.output))


def _wait_for_another_try(claim: Claim, decision: TryAgain, report: Report) -> None:
    failure = decision.failure
    Instance.objects.locked(claim.instance_pk)
    moved = claim.fence.held().move(
        to=TaskState.WAITING,
        by=claim.worker,
        message=failure.error_message,
        data={"kind": failure.error_kind, "seconds": round(decision.seconds, 3)},
        wait_kind=WaitKind.RETRY,
        wake_at=clock.database_now_plus(decision.seconds),
        reason=f"attempt {claim.attempt} failed: {failure.error_message}",
        error_kind=failure.error_kind,
        error_message=failure.error_message,
        failures=F("failures") + 1,
        dispatch_id=None,
        worker="",
        lease_expires_at=None,
    )
    if not moved:
        raise claim.fence.stale()
    _close_record(claim, failure, report, output=redact(failure.output))
    release_followers(instance_id=claim.instance_pk, dispatch_ids=[claim.dispatch_id])


def _hand_back(claim: Claim, decision: HandBack) -> None:
    instance = Instance.objects.locked(claim.instance_pk)
    if not claim.fence.held().exists():
        raise claim.fence.stale()
    if claim.stream is not None and instance is not None and streams_must_end(instance):
        end_for_good(task_id=claim.task_id, reason=decision.reason)
    else:
        take_back(task_ids=[claim.task_id], reason=decision.reason, is_loss=False)
    if instance is not None and instance.status == InstanceState.PAUSED:
        # Only what may start is ready: resuming looks at it again.
        Task.objects.backlog().filter(pk=claim.task_id).update(ready_at=None)
    release_followers(instance_id=claim.instance_pk, dispatch_ids=[claim.dispatch_id])


def _close_record(claim: Claim, decision: Finish, report: Report, *, output: object) -> None:
    ExecutionRecord.objects.filter(**claim.fence._asdict()).update(
        status=decision.record,
        finished_at=clock.database_now(),
        output=output,
        error_kind=decision.error_kind,
        error_message=decision.error_message,
        error_detail=decision.error_detail,
        **record_columns(report),
    )
