"""A process that completes one parent of each join at the same moment as its twin does the other."""

from multiprocessing.synchronize import Barrier


def complete_parents(side: str, instance_pk: int, joins: int, together: "Barrier") -> None:
    """Claim ``<side>-<n>`` for every join in turn; complete it when the twin is as far."""
    import django

    django.setup()
    from django.db import connection

    from tasks_app.models import Task
    from tasks_app.outcomes import Completed
    from tasks_app.services.attempts.claims import claim_task
    from tasks_app.services.attempts.reports import report_outcome
    from tests.support.waiting import wait_until

    for number in range(joins):
        parent = Task.objects.filter(instance_id=instance_pk, name=f"{side}-{number}")
        dispatch_id = wait_until(
            lambda parent=parent: (
                parent.filter(status="queued").values_list("dispatch_id", flat=True).first()
            ),
            timeout=60,
        )
        claim = claim_task(task_id=parent.get().pk, dispatch_id=dispatch_id, worker=f"{side}@race")
        together.wait(timeout=60)
        report_outcome(claim=claim, outcome=Completed(output=side))
    connection.close()
