"""What must hold when all is over: the ledger, the effects outside, and the ends of the instances."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.effects import effects
from tests.support.processes import ROOT

RUNS_PROGRAMS = ("chaos_step", "shell_command")


def wrong_by_the_ledger() -> Iterator[str]:
    """Yield what the history checker finds."""
    from tasks_app.services.explain.verify import verify_instances

    for verdict in verify_instances():
        for each in verdict.violations:
            yield f"{verdict.instance}/{each.task}: {each.rule}: {each.sentence}"


def verify_command() -> tuple[dict[str, Any], list[str]]:
    """Run ``manage.py verify --json`` as a user does; return what it said, and what is wrong with that."""
    asked = subprocess.run(
        [sys.executable, "manage.py", "verify", "--json"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if asked.returncode:
        return {}, [f"manage.py verify ended with {asked.returncode}: {asked.stdout} {asked.stderr}"]
    return json.loads(asked.stdout), []


def wrong_effects(log: Path) -> Iterator[str]:
    """Compare what tasks did outside with what the record says they did."""
    from tasks_app.models import ExecutionRecord

    done = Counter(effect.line for effect in effects(log))
    columns = (
        "task__instance__public_id",
        "task__name",
        "number",
        "status",
        "executor",
        "output",
        "task__output",
    )
    known = set()
    for instance, name, number, status, executor, output, stored in ExecutionRecord.objects.values_list(
        *columns
    ).iterator():
        effect = f"{instance}/{name}/{number}"
        known.add(effect)
        if done[effect] > 1:
            yield f"{effect} took effect {done[effect]} times"
        if status == "completed" and executor in RUNS_PROGRAMS:
            if not done[effect]:
                yield f"{effect} completed without an effect"
            if effect not in (output.get("effect"), output.get("stdout")) or output != stored:
                yield f"{effect} completed with the output of another: {output}"
    for effect in done.keys() - known:
        yield f"{effect} took effect and is on no record"


def wrong_ends(ends: Mapping[str, str]) -> Iterator[str]:
    """Yield the instances that ended otherwise than their workflow asks (``ends``: by its name).

    A task that lost too many workers fails by design, and so may its instance and those above it.
    """
    from tasks_app.models import Instance, Task

    excused = set(
        Task.objects.filter(error_kind__in=["quarantined", "child_failed"]).values_list(
            "instance_id", flat=True
        )
    )
    for row in Instance.objects.select_related("version__workflow").defer("params"):
        wanted = ends[row.version.workflow.name]
        if row.status != wanted and row.pk not in excused:
            name = f"{row.public_id} ({row.version.workflow.name})"
            yield f"{name} is {row.status}, not {wanted}: {row.error_message}"
