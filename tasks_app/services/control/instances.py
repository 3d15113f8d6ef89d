"""Control an instance: pause, resume, retry. Who did it and why is in the ledger."""

from contextlib import suppress
from datetime import datetime

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove
from tasks_app.models import Task
from tasks_app.services.access.audited_moves import lock_for, move_with_audit
from tasks_app.services.control.reopening import check_that_it_is_its_own, hold_workflow, reopen
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.services.lookup.instance_tree import children_paused_with, running_children
from tasks_app.services.progress.advance import advance, cancelled_in, failed_in
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.services.publishing.pump import pump
from tasks_app.services.publishing.release import revoke, take_back
from tasks_app.states import InstanceState, TaskState


def pause_instance(
    *,
    given: str,
    by: str = "",
    reason: str = "",
    now: bool = False,
    until: datetime | None = None,
    with_parent: bool = False,
) -> str:
    """Start nothing new in an instance; return its id.

    What runs may finish; with ``now`` it is stopped too and starts again at
    resume. ``until`` resumes it by itself. A paused instance holds no slot. Its
    children are paused too. ``with_parent``: it follows its parent, and its parent
    resumes it.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it is not running.
    """
    found = find_instance(given=given)
    why = redact_text(reason)
    with db.transaction():
        instance = lock_for(instance=found, to=InstanceState.PAUSED)
        move_with_audit(
            instance=instance,
            to=InstanceState.PAUSED,
            by=by,
            reason=why,
            pause_reason=why,
            paused_until=until,
            paused_with_parent=with_parent,
        )
        _unqueue_all(instance.pk)
        if now:
            claims = revoke(running=Task.objects.filter(instance=instance, status=TaskState.RUNNING))
            take_back(task_ids=[task_id for task_id, _ in claims], reason="paused", is_loss=False)
            Task.objects.backlog().filter(instance=instance).update(ready_at=None)
    for child in running_children(instance.pk):
        with suppress(IllegalMove):  # it has just ended
            pause_instance(given=child, by=by, reason=reason, now=now, with_parent=True)
    return instance.public_id


def resume_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Let a paused instance go on, and the children that were paused with it; return its id.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it is not paused.
    """
    found = find_instance(given=given)
    with db.transaction():
        instance = lock_for(instance=found, to=InstanceState.RUNNING, only_from=[InstanceState.PAUSED])
        move_with_audit(
            instance=instance,
            to=InstanceState.RUNNING,
            by=by,
            reason=reason,
            pause_reason="",
            paused_until=None,
            paused_with_parent=False,
        )
        # From here on the sweep goes on with it, should this process die. A task that failed
        # during the pause has ruled out nothing yet.
        mark_ready(Task.objects.filter(instance=instance))
        culprits = [*failed_in(instance.pk), *cancelled_in(instance.pk)]
        Task.objects.filter(pk__in=culprits).update(settled=False)
    advance(instance_id=instance.pk, failed=culprits, waiting=None)
    pump()
    for child in children_paused_with(instance.pk):
        with suppress(IllegalMove):  # somebody else resumed or cancelled it
            resume_instance(given=child, by=by, reason=reason)
    return instance.public_id


def retry_instance(*, given: str, by: str = "", reason: str = "") -> str:
    """Go on with an instance that failed or was cancelled, from what did not complete; return its id.

    Completed tasks keep their results. If as many instances of its workflow run as
    may, it waits as pending for its turn. One whose compensation failed goes on being
    compensated, from the undo that failed: there is no way forward from half undone.

    :raises NotFound: when there is no such instance.
    :raises IllegalMove: when it did not fail and was not cancelled.
    :raises RetryTheParent: when another instance started it, and decides.
    """
    found = find_instance(given=given)
    with db.transaction():
        hold_workflow(found)
        instance = lock_for(
            instance=found,
            to=InstanceState.RUNNING,
            only_from=[InstanceState.FAILED, InstanceState.CANCELLED],
        )
        check_that_it_is_its_own(instance)
        reopen(instance=instance, by=by, reason=reason)
    advance(instance_id=instance.pk, after=[])
    pump()
    return instance.public_id


def _unqueue_all(instance_pk: int) -> None:
    """Make everything that is out or ready plain pending again: its messages are stale from now on."""
    out = Task.objects.filter(instance_id=instance_pk)
    out.filter(status=TaskState.QUEUED).move(
        to=TaskState.PENDING, message="paused", dispatch_id=None, ready_at=None
    )
    out.planned().update(dispatch_id=None)
    out.backlog().update(ready_at=None)
