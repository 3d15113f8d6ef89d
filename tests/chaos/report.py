"""What a run prints."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.plan import DATABASES
from tests.chaos.run import Result


def as_json(result: Result) -> dict[str, Any]:
    """Return the result for machines."""
    return {
        "sound": not result.wrong,
        **{key: value for key, value in asdict(result.options).items() if key != "logs"},
        "instances": result.instances,
        "faults": result.faults,
        "recovery": result.deaths.as_json() if result.deaths else None,
        "verify": result.verified,
        "wrong": result.wrong,
    }


def print_result(console: Console, result: Result) -> None:
    """Print the table of faults, what was verified, and everything that is wrong."""
    options = result.options
    console.print(f"\n{options.mode} ({DATABASES[options.mode]}), seed {options.seed}", style="bold")
    if result.faults:
        console.print(_table(result.faults))
    if result.deaths:
        told = result.deaths.as_json()
        console.print(
            f"From the death of a worker to the restart of its task, {told['runs']} times: "
            f"median {told['median_seconds']:.2f} s, worst {told['worst_seconds']:.2f} s; "
            f"{told['within_bound']} within {told['bound_seconds']:g} s (three heartbeats and one sweep)."
        )
    ended = ", ".join(f"{count} {status}" for status, count in result.instances.items())
    console.print(f"Instances: {ended}")
    if result.verified:
        counts = {each: result.verified[each] for each in ("instances", "tasks", "events", "violations")}
        console.print("verify: " + ", ".join(f"{count:,} {each}" for each, count in counts.items()))
    for line in result.wrong:
        console.print(f"❌ {line}", markup=False, soft_wrap=True)
    if not result.wrong:
        console.print("✅ Every instance ended, and nothing happened that must not.")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("Fault")
    for title in ("Times", "Recovered", "Attempts lost", "Median", "Worst"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row["fault"],
            *(str(row[each]) for each in ("committed", "recovered", "attempts_lost")),
            *(_seconds(row[each]) for each in ("median_seconds", "worst_seconds")),
        )
    return table


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f} s"
