"""Approve or reject: how a person, or the end of the time given, answers a checkpoint."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from cpds.base import clock, db
from cpds.base.redaction import redact_text
from tasks_app.errors import (
    AnswerNotAllowed,
    CheckpointAnswered,
    CheckpointClosed,
    InvalidAnswer,
    NoCheckpoint,
    SeveralCheckpoints,
)
from tasks_app.models import Checkpoint, Instance, Task
from tasks_app.outcomes import JSON
from tasks_app.planning.values.forms import form_problems
from tasks_app.planning.values.stored_spec import gate_after
from tasks_app.planning.values.values import as_json
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.services.progress.advance import advance
from tasks_app.services.publishing.pump import pump
from tasks_app.states import CheckpointState, InstanceState, TaskState, WaitKind

BATCH: Final = 500
NAME_CHARACTERS: Final = 200
COMMENT_CHARACTERS: Final = 4000
_ANSWERABLE: Final = (InstanceState.RUNNING, InstanceState.PAUSED)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """How a checkpoint stands after an answer; ``changed`` is False when it was answered so before."""

    instance: str
    task: str
    state: CheckpointState
    changed: bool


@dataclass(frozen=True, kw_only=True)
class _Answer:
    state: CheckpointState
    approves: bool
    by: str = ""
    comment: str = ""
    values: Mapping[str, JSON] | None = None
    groups: Collection[str] | None = None
    """What else the answerer may be known as; None: nobody answered, the time ran out."""


def approve(
    *,
    given: str,
    task: str = "",
    by: str,
    comment: str = "",
    values: Mapping[str, JSON] | None = None,
    groups: Collection[str] = (),
) -> Answered:
    """Let a task that waits for approval go on; the same answer twice is harmless.

    ``given`` is the instance, ``task`` the task's name, which may be left out when
    one task waits. ``by`` is who answers and ``groups`` what they belong to: one
    of these must be among those the checkpoint allows, where it names any.
    ``values`` must fit its form; the task's templates see them as ``approval``.

    :raises NotFound: when there is no such instance.
    :raises NoCheckpoint: when nothing there waits for an answer.
    :raises SeveralCheckpoints: when several tasks wait and none is named.
    :raises AnswerNotAllowed: when it is for others to answer.
    :raises InvalidAnswer: with every problem, when the values do not fit.
    :raises CheckpointAnswered: when it was answered otherwise; that stands.
    :raises CheckpointClosed: when the task does not wait any more.
    """
    answer = _Answer(
        state=CheckpointState.APPROVED, approves=True, by=by, comment=comment, values=values, groups=groups
    )
    return _answer_of_person(given, task, answer)


def reject(
    *, given: str, task: str = "", by: str, comment: str = "", groups: Collection[str] = ()
) -> Answered:
    """Fail a task that waits for approval, as ``rejected``; the same answer twice is harmless.

    Arguments and errors are those of ``approve``.
    """
    answer = _Answer(state=CheckpointState.REJECTED, approves=False, by=by, comment=comment, groups=groups)
    return _answer_of_person(given, task, answer)


def expire_checkpoints() -> int:
    """Answer what nobody answered in time with its default; return how many."""
    due = Checkpoint.objects.filter(
        state=CheckpointState.OPEN,
        expires_at__lte=clock.database_now(),
        instance__status=InstanceState.RUNNING,
    )
    expired = 0
    for checkpoint in due.order_by("expires_at").select_related("task", "instance")[:BATCH]:
        answer = _Answer(state=CheckpointState.EXPIRED, approves=checkpoint.default == "approve")
        try:
            expired += _answer(checkpoint, answer).changed
        except (CheckpointAnswered, CheckpointClosed):
            continue  # somebody was faster
    return expired


def _answer_of_person(given: str, task: str, answer: _Answer) -> Answered:
    checkpoint = _find(find_instance(given=given), task)
    _check_allowed(checkpoint, answer)
    return _answer(checkpoint, answer)


def _find(instance: Instance, task: str) -> Checkpoint:
    asked = Checkpoint.objects.filter(instance=instance).select_related("task", "instance")
    if task:
        found = asked.filter(task__name=task).order_by("-number").first()
        if found is None:
            raise NoCheckpoint(what=f"Task {task!r}", instance=instance.public_id)
        return found
    is_open = list(asked.filter(state=CheckpointState.OPEN).order_by("pk")[:10])
    if len(is_open) > 1:
        names = ", ".join(each.task.name for each in is_open)
        raise SeveralCheckpoints(instance=instance.public_id, tasks=names)
    last = is_open[0] if is_open else asked.order_by("-answered_at", "-pk").first()
    if last is None:
        raise NoCheckpoint(what=f"Instance {instance.public_id}", instance=instance.public_id)
    return last


def _check_allowed(checkpoint: Checkpoint, answer: _Answer) -> None:
    names = {answer.by, *(answer.groups or ())}
    if checkpoint.allowed and names.isdisjoint(checkpoint.allowed):
        allowed = ", ".join(checkpoint.allowed)
        raise AnswerNotAllowed(by=answer.by, task=checkpoint.task.name, allowed=allowed)


def _answer(asked: Checkpoint, answer: _Answer) -> Answered:
    with db.transaction():
        instance = Instance.objects.locked(asked.instance_id)
        checkpoint = Checkpoint.objects.select_related("task", "instance").get(pk=asked.pk)
        if checkpoint.state != CheckpointState.OPEN:
            return _as_before(checkpoint, answer)
        waiting = Task.objects.filter(
            pk=checkpoint.task_id, status=TaskState.WAITING, wait_kind=WaitKind.APPROVAL
        )
        if instance is None or instance.status not in _ANSWERABLE or not waiting.exists():
            raise _closed(checkpoint)
        if answer.state is CheckpointState.APPROVED:
            _check_values(checkpoint, answer)
        _record(checkpoint, answer)
        if answer.approves:
            # A paused instance has nothing ready; its resumption looks at every task.
            ready_at = clock.database_now() if instance.status == InstanceState.RUNNING else None
            _let_pass(checkpoint, answer, ready_at)
        else:
            _refuse(checkpoint, answer)
    if answer.approves:
        pump()
    else:
        advance(instance_id=checkpoint.instance_id, after=[checkpoint.task_id], failed=[checkpoint.task_id])
    return _answered(checkpoint, answer.state, changed=True)


def _as_before(checkpoint: Checkpoint, answer: _Answer) -> Answered:
    if checkpoint.state == CheckpointState.CLOSED:
        raise _closed(checkpoint)
    if checkpoint.lets_pass != answer.approves:
        raise CheckpointAnswered(
            task=checkpoint.task.name,
            state=str(checkpoint.state),
            answered_by=checkpoint.answered_by or "nobody in time",
            answered_at=checkpoint.answered_at,
        )
    return _answered(checkpoint, CheckpointState(checkpoint.state), changed=False)


def _closed(checkpoint: Checkpoint) -> CheckpointClosed:
    return CheckpointClosed(task=checkpoint.task.name, instance=checkpoint.instance.public_id)


def _answered(checkpoint: Checkpoint, state: CheckpointState, *, changed: bool) -> Answered:
    return Answered(
        instance=checkpoint.instance.public_id, task=checkpoint.task.name, state=state, changed=changed
    )


def _check_values(checkpoint: Checkpoint, answer: _Answer) -> None:
    problems = form_problems(form=checkpoint.form, values=answer.values or {})
    if problems:
        summary = "; ".join(map(str, problems))
        raise InvalidAnswer(task=checkpoint.task.name, problems=problems, summary=summary)


def _record(checkpoint: Checkpoint, answer: _Answer) -> None:
    Checkpoint.objects.filter(pk=checkpoint.pk, state=CheckpointState.OPEN).update(
        state=answer.state,
        answered_by=_text(answer.by)[:NAME_CHARACTERS],
        answered_at=clock.database_now(),
        comment=redact_text(_text(answer.comment))[:COMMENT_CHARACTERS],
        values=as_json(dict(answer.values or {})),
    )


def _let_pass(checkpoint: Checkpoint, answer: _Answer, ready_at: object) -> None:
    Task.objects.filter(pk=checkpoint.task_id, status=TaskState.WAITING).move(
        to=TaskState.PENDING,
        message=_told(answer),
        data={"checkpoint": checkpoint.number, "answer": str(answer.state), "by": _text(answer.by)},
        audited_in=checkpoint.instance.project_id,
        gate=gate_after(spec=checkpoint.task.spec, gate=checkpoint.task.gate),
        reason="",
        wait_kind="",
        wake_at=None,
        ready_at=ready_at,
    )


def _refuse(checkpoint: Checkpoint, answer: _Answer) -> None:
    message = _told(answer)
    Task.objects.filter(pk=checkpoint.task_id, status=TaskState.WAITING).move(
        to=TaskState.FAILED,
        message=message,
        data={"kind": "rejected", "checkpoint": checkpoint.number, "by": _text(answer.by)},
        audited_in=checkpoint.instance.project_id,
        error_kind="rejected",
        error_message=message,
        reason="",
        wait_kind="",
        wake_at=None,
        finished_at=clock.database_now(),
    )


def _told(answer: _Answer) -> str:
    if answer.state is CheckpointState.EXPIRED:
        return f"nobody answered in time, which {'approves' if answer.approves else 'rejects'} it"
    comment = f": {answer.comment}" if answer.comment else ""
    return redact_text(_text(f"{answer.state} by {answer.by}{comment}"))[:COMMENT_CHARACTERS]


def _text(text: str) -> str:
    return str(as_json(text))
