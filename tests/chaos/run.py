"""One run: work is submitted, faults are committed, everything ends, and the record is judged."""

import heapq
import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos import proof
from tests.chaos.crew import Crew
from tests.chaos.deaths import WORKFLOW as DEATH
from tests.chaos.deaths import Deaths, measure_deaths
from tests.chaos.faults import Committed, Nemesis
from tests.chaos.mix import INNER, recipes
from tests.chaos.patience import patiently
from tests.chaos.plan import plan_faults
from tests.chaos.recovery import recoveries, summary
from tests.chaos.site import Site, a_site
from tests.support.waiting import StillWaitingError, wait_until

UNFINISHED_AT_ONCE: Final = 6
END_SECONDS: Final = 120
TICK_SECONDS: Final = 0.1

Tell = Callable[[float, str], None]
"""Told how far the run is, 0..1, and what goes on."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked of a run. ``spacing``: mean seconds between two faults."""

    mode: str
    seed: int
    seconds: float
    workers: int
    heartbeat_seconds: float
    spacing: float
    deaths: int
    logs: Path | None = None
    """Where copies of the processes' logs are left."""


@dataclass(kw_only=True)
class Result:
    """What a run came to: sound if ``wrong`` is empty."""

    options: Options
    faults: list[dict[str, Any]] = field(default_factory=list)
    verified: dict[str, Any] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    deaths: Deaths | None = None
    wrong: list[str] = field(default_factory=list)


def run(options: Options, tell: Tell) -> Result:
    """Run once and return the result. Every process that it started has then ended."""
    result = Result(options=options)
    tell(0, "starting the servers")
    with a_site(mode=options.mode, heartbeat_seconds=options.heartbeat_seconds) as site:
        ends = _upload(site)
        with _a_crew(site, options, result) as crew:
            tell(0, "starting the workers")
            crew.wait_until_ready()
            if options.seconds:
                committed = _commit_and_finish(site, crew, options, result, tell)
                result.faults = summary(recoveries(committed))
            if options.deaths:
                result.deaths = measure_deaths(options.deaths, crew, tell)
                result.wrong += result.deaths.wrong
        tell(1, "verifying")
        _judge(site, ends, result)
    return result


def _upload(site: Site) -> dict[str, str]:
    from tasks_app.services.workflows.definitions import upload_workflow

    mix = recipes(site.effect_log)
    for recipe in mix:
        upload_workflow(source=recipe.source)
    return {**{recipe.name: recipe.ends for recipe in mix}, DEATH: "completed"}


@contextmanager
def _a_crew(site: Site, options: Options, result: Result) -> Iterator[Crew]:
    folder = site.directory / "crew"
    folder.mkdir()
    crew = Crew(site=site, directory=folder, workers=options.workers)
    try:
        yield crew
    finally:
        left = crew.end()
        if options.logs is not None:
            shutil.copytree(folder, options.logs, dirs_exist_ok=True)
        result.wrong += [f"still there: {line}" for line in left]


def _commit_and_finish(
    site: Site, crew: Crew, options: Options, result: Result, tell: Tell
) -> list[Committed]:
    from cpds.base import clock
    from cpds.base.conf import conf

    nemesis = Nemesis(site=site, crew=crew, lease_seconds=conf().lease_seconds)
    order = itertools.count()
    agenda: list[tuple[float, int, Callable[[], None]]] = []
    committed: list[Committed] = []
    submit = _submitter(options)
    began = clock.monotonic()

    def put(at: float, act: Callable[[], None]) -> None:
        heapq.heappush(agenda, (at, next(order), act))

    def commit(planned: Any) -> None:
        tell((clock.monotonic() - began) / options.seconds, planned.fault)
        done, later = nemesis.commit(planned)
        committed.append(done)
        for seconds, act in later:
            put(clock.monotonic() - began + seconds, act)

    planned = plan_faults(
        seed=options.seed, seconds=options.seconds, mode=options.mode, spacing=options.spacing
    )
    for each in planned:
        put(each.at, lambda each=each: commit(each))
    put(options.seconds, submit)

    def goes_on() -> bool:
        now = clock.monotonic() - began
        while agenda and agenda[0][0] <= now:
            heapq.heappop(agenda)[2]()
        result.wrong += [] if site.postgresql and not site.postgresql.is_running else crew.keep_up()
        nemesis.take_copies()
        if now < options.seconds and patiently(_unfinished) < UNFINISHED_AT_ONCE:
            submit()
        tell(min(1, now / options.seconds), "")
        return not agenda

    wait_until(goes_on, timeout=options.seconds + END_SECONDS, message="the plan to be carried out")
    tell(1, "waiting for every instance to end")
    try:
        wait_until(lambda: patiently(_unfinished) == 0, timeout=END_SECONDS, message="every instance to end")
    except StillWaitingError:
        result.wrong += patiently(_stuck)
    return committed


def _submitter(options: Options) -> Callable[[], None]:
    from tasks_app.models import Workflow
    from tasks_app.services.submit.instances import submit_instance

    chance = random.Random(options.seed)
    names = sorted(set(Workflow.objects.values_list("name", flat=True)) - {INNER})
    waiting: list[str] = []

    def submit() -> None:
        waiting[:] = waiting or chance.sample(names, len(names))
        name = waiting.pop()
        patiently(lambda: submit_instance(workflow=name))

    return submit


def _unfinished() -> int:
    from tasks_app.models import Instance
    from tasks_app.states import INSTANCE_FINAL

    return Instance.objects.exclude(status__in=INSTANCE_FINAL).count()


def _stuck() -> list[str]:
    from tasks_app.models import Instance
    from tasks_app.services.explain.why import why_instance
    from tasks_app.states import INSTANCE_FINAL

    left = Instance.objects.exclude(status__in=INSTANCE_FINAL)
    return [f"{row.public_id} did not end: {why_instance(given=row.public_id, limit=5)}" for row in left]


def _judge(site: Site, ends: dict[str, str], result: Result) -> None:
    from django.db.models import Count

    from tasks_app.models import Instance

    result.wrong += patiently(lambda: list(proof.wrong_by_the_ledger()))
    result.verified, wrong = proof.verify_command()
    result.wrong += wrong
    result.wrong += patiently(lambda: list(proof.wrong_effects(site.effect_log)))
    result.wrong += patiently(lambda: list(proof.wrong_ends(ends)))
    counts = Instance.objects.values_list("status").annotate(Count("pk")).order_by("status")
    result.instances = dict(patiently(lambda: list(counts)))
    result.wrong += [
        f"no recovery was seen from: {row['fault']}"
        for row in result.faults
        if row["recovered"] < row["committed"]
    ]
