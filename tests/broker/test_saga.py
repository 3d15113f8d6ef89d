"""Compensation on real workers; what was really undone stands in a log outside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_app.models import ExecutionRecord
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import retry_instance
from tests.support.builders import a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, assert_history_is_sound, task, wait_for_end
from tests.support.processes import QUICK, WorkerProcess
from tests.support.undoing import completion_order
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker
Start = Callable[..., WorkerProcess]


def undone_in(log: Path, run: str = "record_effect", **arguments: Any) -> dict[str, Any]:
    """Return the keys of a task whose undo tells the log what it undoes."""
    given = {"path": str(log), "line": "{{ task.name }}", **arguments}
    return {"compensate": {"run": run, "with": given}}


def lines(log: Path) -> list[str]:
    return [effect.line for effect in effects(log)]


def test_parallel_branches_are_undone_in_exact_reverse_order(shared_worker: Start, tmp_path: Path) -> None:
    shared_worker(env=QUICK)
    log = tmp_path / "undone"
    branches = [f"{line}{place}" for line in "xyz" for place in range(4)]
    instance = an_instance(
        *(
            a_task(
                name,
                run="nap",
                seconds=0.01 * (1 + ord(name[0]) % 3),
                needs=[f"{name[0]}{int(name[1]) - 1}"] if name[1] != "0" else [],
                also=undone_in(log),
            )
            for name in branches
        ),
        a_task("bad", run="fail", needs=["x3", "y3", "z3"]),
        on_failure="compensate",
    )

    assert wait_for_end(instance).status == "compensated"
    assert len(lines(log)) == 12
    assert lines(log) == completion_order(instance)[::-1]
    assert_history_is_sound(instance)


def test_an_undo_is_tried_again_and_one_that_fails_can_be_retried(
    shared_worker: Start, tmp_path: Path
) -> None:
    shared_worker(env=QUICK)
    log, tries = tmp_path / "undone", tmp_path / "tries"
    shaky = {"compensate": {"run": "fail_at_first", "with": {"path": str(tries), "times": 3}}}
    instance = an_instance(
        a_task("a", also=undone_in(log)),
        a_task("b", needs=["a"], also={**shaky, "retry": {"count": 1, "interval": 0.1}}),
        a_task("c", needs=["b"], also=undone_in(log)),
        a_task("bad", run="fail", needs=["c"]),
        on_failure="compensate",
    )

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "undo b").attempts == 2
    assert instance.error_message.endswith("Undone: c. Not undone: b, a.")
    assert lines(log) == ["c"]

    retry_instance(given=instance.public_id)

    assert wait_for_end(instance).status == "compensated"
    assert task(instance, "undo b").attempts == 4
    assert lines(log) == ["c", "a"]
    assert_history_is_sound(instance)


def test_a_worker_killed_while_it_undoes_is_replaced(celery_worker_process: Start, tmp_path: Path) -> None:
    first = celery_worker_process(name="first", concurrency=2, env=QUICK)
    log, started, gate = tmp_path / "undone", tmp_path / "started", tmp_path / "gate"
    held = {"run": "hold", "with": {"path": str(gate), "started": str(started)}}
    instance = an_instance(
        a_task("a", also=undone_in(log)),
        a_task("b", needs=["a"], also={"compensate": held}),
        a_task("c", needs=["b"], also=undone_in(log)),
        a_task("bad", run="fail", needs=["c"]),
        on_failure="compensate",
    )
    wait_until(lambda: effects(started), timeout=30)
    assert lines(log) == ["c"]

    first.kill()
    gate.touch()
    celery_worker_process(name="second", concurrency=2, env=QUICK)

    assert wait_for_end(instance).status == "compensated"
    assert lines(log) == ["c", "a"]
    records = ExecutionRecord.objects.filter(task__name="undo b").order_by("number")
    assert [record.status for record in records] == ["lost", "completed"]
    assert_history_is_sound(instance)


def test_a_cancelled_command_has_ended_before_anything_is_undone(
    celery_worker_process: Start, tmp_path: Path
) -> None:
    # The lease outlasts the test: what starts the undo is the worker, which says that it has stopped.
    worker = celery_worker_process(concurrency=2, env={**QUICK, "CPDS_LEASE_SECONDS": 600})
    log = tmp_path / "undone"
    instance = an_instance(
        a_task("a", also=undone_in(log)),
        a_task("long", run="shell_command", argv=["sleep", "600"], needs=["a"], also=undone_in(log)),
    )
    wait_until(lambda: task(instance, "long").status == "running")
    wait_until(worker.descendants)

    cancel_instance(given=instance.public_id, by="ann", compensate=True)

    wait_until(lambda: effects(log), timeout=20)
    assert not worker.descendants()
    assert wait_for_end(instance).status == "compensated"
    assert lines(log) == ["a"]
    assert_history_is_sound(instance)
