"""Moves that somebody asked for: the ledger says who, and why."""

from collections.abc import Collection, Mapping

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.errors import IllegalMove
from tasks_app.models import Instance
from tasks_app.states import InstanceState, instance_sources


@db.transaction_required
def lock_for(*, instance: Instance, to: InstanceState, only_from: Collection[InstanceState] = ()) -> Instance:
    """Return the instance locked, having made sure that it may become ``to``.

    :raises IllegalMove: when its state forbids it, or it is gone.
    """
    locked = Instance.objects.locked(instance.pk)
    if locked is None or locked.is_pruning:
        raise IllegalMove(kind="Instance", key=instance.public_id, state="gone", wanted=to)
    if locked.status not in (only_from or instance_sources(to)):
        raise IllegalMove(kind="Instance", key=instance.public_id, state=locked.status, wanted=to)
    return locked


@db.transaction_required
def move_with_audit(
    *,
    instance: Instance,
    to: InstanceState,
    by: str,
    reason: str,
    facts: Mapping[str, object] | None = None,
    **changes: object,
) -> None:
    """Move an instance, and note ``by`` whom, for which ``reason``, and further ``facts``.

    The caller holds its lock.
    """
    Instance.objects.filter(pk=instance.pk).move(
        to=to, message=redact_text(reason), data={**({"by": by} if by else {}), **(facts or {})}, **changes
    )
