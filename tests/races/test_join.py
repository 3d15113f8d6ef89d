"""Parents that finish together: their join is planned once, and never missed."""

import multiprocessing

import pytest
from django.db import connections

from tasks_app.canvas import publish
from tasks_app.models import Event, Task
from tests.races.parents import complete_parents
from tests.support.builders import a_task
from tests.support.engine import an_instance

pytestmark = pytest.mark.races
JOINS = 80


def test_two_parents_finishing_together_plan_their_join_once(
    database_url: str, broker: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a result backend there are no chords: every join is left to its parents' planning.
    monkeypatch.setenv("CPDS_RESULT_URL", "none")
    monkeypatch.setattr(publish, "chords_are_possible", lambda: False)
    instance = an_instance(
        *(
            each
            for number in range(JOINS)
            for each in (
                a_task(f"left-{number}", also={"priority": "high"}),
                a_task(f"right-{number}", also={"priority": "high"}),
                a_task(
                    f"join-{number}", needs=[f"left-{number}", f"right-{number}"], also={"priority": "low"}
                ),
            )
        )
    )
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(2)
    connections.close_all()

    twins = [
        spawn.Process(target=complete_parents, args=(side, instance.pk, JOINS, together))
        for side in ("left", "right")
    ]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join(timeout=180)

    assert [twin.exitcode for twin in twins] == [0, 0]
    joins = Task.objects.filter(instance=instance, name__startswith="join-")
    assert not joins.filter(status="pending", ready_at__isnull=True).exists(), "a join was missed"
    published = Event.objects.filter(instance=instance, kind="task.queued", task__name__startswith="join-")
    assert published.count() == published.values("task_id").distinct().count()
