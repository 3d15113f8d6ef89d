"""From the death of a worker to the restart of its task, again and again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from tests.chaos.crew import Crew
from tests.support.builders import a_task, a_workflow
from tests.support.waiting import wait_until

WORKFLOW: Final = "chaos-death"
START_SECONDS: Final = 60
ALLOWED_SECONDS: Final = 1.0
"""Beyond the bound, for the message and the claim on a busy machine; later than that is wrong."""


@dataclass(kw_only=True)
class Deaths:
    """Times in seconds, and the bound: three heartbeats and one tick of the sweep."""

    bound_seconds: float
    seconds: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Return what broke the bound, by more than what starting takes."""
        return [
            f"a task whose worker was killed started again after {each:.2f} s, not {self.bound_seconds:g} s"
            for each in self.seconds
            if each > self.bound_seconds + ALLOWED_SECONDS
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "runs": len(self.seconds),
            "bound_seconds": self.bound_seconds,
            "within_bound": sum(each <= self.bound_seconds for each in self.seconds),
            "median_seconds": round(median(self.seconds), 2),
            "worst_seconds": round(max(self.seconds), 2),
        }


def measure_deaths(runs: int, crew: Crew, tell: Callable[[float, str], None]) -> Deaths:
    """Kill a worker that runs a task, ``runs`` times, and measure until that task runs elsewhere."""
    from cpds.base.conf import conf
    from tasks_app.services.workflows.definitions import upload_workflow

    settings = conf()
    upload_workflow(source=a_workflow(a_task("held", run="chaos_hold"), name=WORKFLOW).encode())
    found = Deaths(bound_seconds=3 * settings.heartbeat_seconds + settings.sweep_seconds)
    for number in range(runs):
        tell(number / runs, f"death {number + 1} of {runs}")
        found.seconds.append(_one_death(crew))
    return found


def _one_death(crew: Crew) -> float:
    from cpds.base import clock
    from tasks_app.models import ExecutionRecord, Instance
    from tasks_app.services.submit.instances import submit_instance
    from tests.support.engine import wait_for_end

    crew.wait_until_ready()
    instance = Instance.objects.get(public_id=submit_instance(workflow=WORKFLOW))
    records = ExecutionRecord.objects.filter(task__instance=instance)
    first = wait_until(
        lambda: records.filter(status="running").first(), timeout=START_SECONDS, message="the task to run"
    )
    assert first is not None
    (victim,) = (worker for worker in crew.workers if worker.node == first.worker)
    killed_at = clock.now()
    crew.kill_worker(victim)
    second = wait_until(
        lambda: records.filter(number=2).first(), timeout=START_SECONDS, message="the task to run again"
    )
    assert second is not None
    wait_for_end(instance)
    crew.hire()
    return (second.started_at - killed_at).total_seconds()
