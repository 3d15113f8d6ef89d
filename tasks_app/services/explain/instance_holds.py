"""What holds an instance as a whole, and with it every task of it."""

from collections.abc import Iterator

from tasks_app.models import Instance
from tasks_app.services.explain.holds import Hold, HoldKind
from tasks_app.services.explain.snapshot import WaitSnapshot
from tasks_app.states import INSTANCE_FINAL, InstanceState


def holds_of_instance(*, instance: Instance, snapshot: WaitSnapshot) -> Iterator[Hold]:
    """Yield what holds everything in an instance."""
    match instance.status:
        case InstanceState.PENDING:
            yield _admission(instance, snapshot)
        case InstanceState.PAUSED:
            yield _paused(instance, snapshot)
        case InstanceState.COMPENSATING:
            said = snapshot.said.get((instance.pk, "instance.compensating"))
            yield Hold(
                kind=HoldKind.COMPENSATION,
                sentence="the instance is being undone, and nothing new starts",
                since=said.at if said else None,
            )
        case InstanceState.RUNNING:
            pass
        case _:
            yield Hold(
                kind=HoldKind.INSTANCE_OVER,
                sentence=f"the instance is {instance.status}: retry it to go on",
                since=instance.finished_at,
            )
    if instance.is_stopping and instance.status not in INSTANCE_FINAL:
        said = snapshot.said.get((instance.pk, "instance.stopping"))
        yield Hold(
            kind=HoldKind.STOPPING,
            sentence="the instance is being cancelled once its running tasks are over",
            since=said.at if said else None,
        )


def _admission(instance: Instance, snapshot: WaitSnapshot) -> Hold:
    most, beside = snapshot.most.get(instance.pk), snapshot.beside.get(instance.pk, 0)
    if most is not None and beside >= most:
        return Hold(
            kind=HoldKind.MAX_INSTANCES,
            sentence=f"{beside} instances of its workflow are not over; {most} may be at once",
            since=instance.created_at,
        )
    return Hold(
        kind=HoldKind.ADMISSION,
        sentence="the instance is about to be started by the next sweep, after those that came before it",
        since=instance.created_at,
    )


def _paused(instance: Instance, snapshot: WaitSnapshot) -> Hold:
    said = snapshot.said.get((instance.pk, "instance.paused"))
    by = f" by {said.by}" if said and said.by else ""
    reason = f": {instance.pause_reason}" if instance.pause_reason else ""
    return Hold(
        kind=HoldKind.PAUSE,
        sentence=f"the instance is paused{by}{reason}",
        since=said.at if said else None,
        until=instance.paused_until,
    )
