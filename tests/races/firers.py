"""A process that looks at the same due schedules as its twins, at the same moment."""

from multiprocessing.synchronize import Barrier


def fire_together(rounds: int, together: "Barrier", quiet: "Barrier") -> None:
    """Fire what is due, ``rounds`` times, each time when all twins are ready."""
    import django

    django.setup()
    from django.db import connection

    from tasks_app.services.maintenance.firing import fire_due

    for _ in range(rounds):
        together.wait(timeout=60)
        fire_due()
        quiet.wait(timeout=60)
    connection.close()
