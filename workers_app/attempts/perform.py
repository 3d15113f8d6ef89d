"""Perform one delivered message: claim, execute, report."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection

from cpds.base import db
from tasks_app.errors import StaleDispatch
from tasks_app.outcomes import JSON, Failed, Outcome
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.attempts.inputs import read_upstream, render_arguments
from tasks_app.services.attempts.return_message import hand_on
from tasks_app.services.attempts.workspaces import make_empty, remove_if_empty, workspace_of
from tasks_app.services.gates.intake import Declined, take_task
from workers_app.attempts.streaming import stream_through
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.contract import Call
from workers_app.executors.performing import outcome_of
from workers_app.fleet.admission import admission
from workers_app.fleet.lease_keeper import keeper_of_this_process
from workers_app.registry import find_executor

logger = logging.getLogger(__name__)


def perform(*, task_id: int, dispatch_id: str, worker: str) -> bool:
    """Perform a task that was delivered here; return whether its canvas may go on.

    False when the message was stale, when the task did not complete, or when its
    claim was lost meanwhile: then nothing that follows in the same canvas may start.
    """
    if not admission.admit():
        hand_on(task_id=task_id, dispatch_id=dispatch_id)
        return False
    try:
        taken = take_task(
            task_id=task_id,
            dispatch_id=dispatch_id,
            worker=worker,
            able=admission.able,
            serves=admission.serves,
        )
    except BaseException:
        admission.unadmit()
        raise
    if isinstance(taken, Declined):
        admission.unadmit()
        return taken.canvas_goes_on
    has_completed = False
    try:
        has_completed = _keep_and_report(taken)
    finally:
        admission.finish(has_completed=has_completed)
    return has_completed


def _keep_and_report(claim: Claim) -> bool:
    attempt = Attempt.of(claim)
    with keeper_of_this_process(worker=claim.worker).holding(claim.fence) as cancellation:
        outcome = _execute(attempt, cancellation)
        try:
            return attempt.end(outcome=outcome)
        except StaleDispatch as stale:
            logger.warning("late_result_refused task=%s attempt=%s: %s", claim.task_id, claim.attempt, stale)
            return False


def _execute(attempt: Attempt, cancellation: Cancellation) -> Outcome:
    claim = attempt.claim
    executor = find_executor(claim.executor)
    if executor is None:
        return Failed(
            kind="unknown_executor",
            message=f"No executor or function is called {claim.executor!r} on worker {claim.worker}.",
        )
    arguments = render_arguments(claim)
    if isinstance(arguments, Failed):
        return arguments
    workspace = workspace_of(instance_id=claim.instance_id, task_id=claim.task_id, attempt=claim.attempt)

    def execute() -> Outcome:
        make_empty(workspace)
        call = _call(attempt, arguments, workspace, cancellation)
        if claim.stream is None:
            return executor.execute(call)
        return stream_through(
            claim=claim,
            cancellation=cancellation,
            run=lambda stream: executor.execute(replace(call, stream=stream)),
        )

    try:
        return outcome_of(execute, executor=claim.executor, task_id=claim.task_id)
    finally:
        remove_if_empty(workspace)


def _call(attempt: Attempt, arguments: dict[str, JSON], workspace: Path, cancellation: Cancellation) -> Call:
    claim = attempt.claim

    def upstream(name: str) -> JSON:
        return read_upstream(claim=claim, name=name)

    def progress(fraction: float, message: str) -> None:
        with _spoken(cancellation):
            attempt.progress(fraction=fraction, message=message)

    def log(message: str) -> None:
        with _spoken(cancellation):
            attempt.log(lines=[message])

    return Call(
        task_id=claim.task_id,
        task_name=claim.name,
        instance_id=claim.instance_id,
        attempt=claim.attempt,
        idempotency_key=claim.idempotency_key,
        arguments=arguments,
        params=claim.params,
        workspace=workspace,
        timeout_seconds=claim.timeout_seconds,
        cancellation=cancellation,
        upstream=upstream,
        progress=progress,
        log=log,
        before_waiting=db.release_connection,
    )


@contextmanager
def _spoken(cancellation: Cancellation) -> Iterator[None]:
    """Let an attempt say something: a lost claim stops it, a database that is away costs only these words."""
    try:
        yield
    except StaleDispatch:
        cancellation.request("the claim was taken back")
    except (OperationalError, InterfaceError) as error:
        logger.warning("words_lost error=%s", type(error).__name__)
        connection.close()
