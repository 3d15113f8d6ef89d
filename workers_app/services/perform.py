"""Perform one delivered message: claim, execute, report."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection

from cpds.base import db
from cpds.base.conf import conf
from tasks_app.errors import StaleDispatch
from tasks_app.outcomes import JSON, Failed, Outcome
from tasks_app.services.claims import Claim, claim_task, read_upstream, render_arguments
from tasks_app.services.gates import Passage, pass_gates
from tasks_app.services.redelivery import hand_on
from tasks_app.services.reports import report_outcome
from tasks_app.services.requirements import is_for_others
from tasks_app.services.speech import append_log, report_progress
from tasks_app.services.stopped import let_go
from tasks_app.services.streams import with_present_failures
from workers_app.executors.contract import Call, Cancellation
from workers_app.executors.registry import find_executor
from workers_app.services.duty import duty
from workers_app.services.keeper import keeper_of_this_process
from workers_app.services.streaming import stream_through

logger = logging.getLogger(__name__)


def perform(*, task_id: int, dispatch_id: str, worker: str) -> bool:
    """Perform a task that was delivered here; return whether its canvas may go on.

    False when the message was stale, when the task did not complete, or when its
    claim was lost meanwhile: then nothing that follows in the same canvas may start.
    """
    if not duty.take():
        hand_on(task_id=task_id, dispatch_id=dispatch_id)
        return False
    try:
        taken = _take(task_id, dispatch_id, worker)
    except BaseException:
        duty.put_back()
        raise
    if isinstance(taken, bool):
        duty.put_back()
        return taken
    has_completed = False
    try:
        has_completed = _keep_and_report(*taken)
    finally:
        duty.done(has_completed=has_completed)
    return has_completed


def _take(task_id: int, dispatch_id: str, worker: str) -> tuple[Claim, Failed | None] | bool:
    """Claim a task, or return whether its canvas may go on without: it was skipped, or is not to be had."""
    try:
        claim = db.again_when_disconnected(
            lambda: claim_task(task_id=task_id, dispatch_id=dispatch_id, worker=worker, able=duty.able)
        )
    except StaleDispatch:
        match pass_gates(task_id=task_id, dispatch_id=dispatch_id):
            case Passage.SKIPPED:
                return True
            case Passage.CLOSED:
                _note_refusal(task_id, dispatch_id)
                return False
            case Passage.OPEN:
                return _take(task_id, dispatch_id, worker)
            case gate, failure:
                claim = claim_task(
                    task_id=task_id, dispatch_id=dispatch_id, worker=worker, gate=gate, able=duty.able
                )
                return claim, failure
    return claim, None


def _note_refusal(task_id: int, dispatch_id: str) -> None:
    if is_for_others(task_id=task_id, dispatch_id=dispatch_id, able=duty.able):
        # The sweep publishes it again, in the queue of those who can do it.
        logger.warning("not_able task=%s dispatch=%s", task_id, dispatch_id)
    else:
        logger.debug("stale_message task=%s dispatch=%s", task_id, dispatch_id)


def _keep_and_report(claim: Claim, failure: Failed | None) -> bool:
    with keeper_of_this_process(worker=claim.worker).holding(claim) as cancellation:
        outcome = failure or _execute(claim, cancellation)
        if claim.stream is not None:
            streamed = claim
            claim = db.again_when_disconnected(lambda: with_present_failures(claim=streamed))
        try:
            return report_outcome(claim=claim, outcome=outcome)
        except StaleDispatch as stale:
            logger.warning("late_result_refused task=%s attempt=%s: %s", claim.task_id, claim.attempt, stale)
            let_go(claim=claim)
            return False


def _execute(claim: Claim, cancellation: Cancellation) -> Outcome:
    executor = find_executor(claim.executor)
    if executor is None:
        return Failed(
            kind="unknown_executor",
            message=f"No executor or function is called {claim.executor!r} on worker {claim.worker}.",
        )
    arguments = render_arguments(claim=claim)
    if isinstance(arguments, Failed):
        return arguments
    workspace = _workspace_of(claim)
    try:
        _make_empty(workspace)
        call = _call(claim, arguments, workspace, cancellation)
        if claim.stream is None:
            return executor.execute(call)
        return stream_through(
            claim=claim,
            cancellation=cancellation,
            run=lambda stream: executor.execute(replace(call, stream=stream)),
        )
    except OSError as error:
        return Failed(
            kind="workspace",
            message=f"The attempt's workspace could not be used: {error.strerror or error}.",
            retryable=True,
        )
    except Exception as error:
        logger.exception("executor_raised task=%s executor=%s", claim.task_id, claim.executor)
        return Failed(
            kind="executor_error",
            message=f"The executor {claim.executor} raised {type(error).__name__}; see the worker's log.",
            retryable=True,
        )
    finally:
        _remove_if_empty(workspace)


def _call(claim: Claim, arguments: dict[str, JSON], workspace: Path, cancellation: Cancellation) -> Call:
    def upstream(name: str) -> JSON:
        return read_upstream(claim=claim, name=name)

    def progress(fraction: float, message: str) -> None:
        with _spoken(cancellation):
            report_progress(claim=claim, fraction=fraction, message=message)

    def log(message: str) -> None:
        with _spoken(cancellation):
            append_log(claim=claim, message=message)

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


def _workspace_of(claim: Claim) -> Path:
    """Return the attempt's own directory: no attempt, however late, writes into another's."""
    return conf().state_path / "work" / f"{claim.instance_id}-{claim.task_id}-{claim.attempt}"


def _make_empty(workspace: Path) -> None:
    if workspace.exists():
        shutil.rmtree(workspace)
    workspace.mkdir(parents=True, mode=0o700)


def _remove_if_empty(workspace: Path) -> None:
    with suppress(OSError):
        workspace.rmdir()
