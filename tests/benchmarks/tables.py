"""What the run prints."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measuring import Results
from tests.benchmarks.systems import BARE, CONCURRENCY, TITLES

NOTES = (
    (
        f"Every system has a worker process of {CONCURRENCY} threads that fetches into free slots only. "
        "One broker serves all, and counts the joins of all."
    ),
    "Time runs from the submission, its rows included, to the end of the instance; median of the rounds.",
    (
        "Bare Celery keeps no record. Its shapes are nested canvases, but for the layers: there each one is "
        "a flat chord that waits for all of the layer before."
    ),
    "SQLite: WAL, synchronous=NORMAL. PostgreSQL: every commit reaches the disk.",
)


def print_results(console: Console, results: Results) -> None:
    """Print both tables, the notes and the problems."""
    console.print(_speeds(results))
    if results.statements:
        console.print(_statements(results))
    for note in (*NOTES, *results.problems):
        console.print(note, highlight=False, markup=False)


def _speeds(results: Results) -> Table:
    table = Table(title="Steps per second", title_justify="left")
    table.add_column("shape")
    table.add_column("tasks", justify="right")
    table.add_column("rounds", justify="right")
    for system in results.systems:
        table.add_column(TITLES[system], justify="right")
        if system != BARE:
            table.add_column("× bare", justify="right")
    for shape in results.shapes:
        cells = [shape.title, str(shape.steps), str(len(results.seconds.get((shape.key, BARE), [])))]
        for system in results.systems:
            cells.append(_number(results.speed(shape, system), "{:.0f}"))
            if system != BARE:
                cells.append(_number(results.ratio(shape, system), "{:.2f}"))
        table.add_row(*cells)
    return table


def _statements(results: Results) -> Table:
    table = Table(title="SQL per task", title_justify="left")
    table.add_column("shape")
    for system in results.systems:
        if system != BARE:
            short = TITLES[system].rpartition(" ")[2]
            for title in ("submit", "run", "transactions"):
                table.add_column(f"{short}\n{title}", justify="right")
    for shape in results.shapes:
        table.add_row(shape.title, *_counts(results, shape.key))
    return table


def _counts(results: Results, shape: str) -> Iterator[str]:
    for system in results.systems:
        if system == BARE:
            continue
        found = results.statements.get((shape, system))
        if found is None:
            yield from ("–", "–", "–")
            continue
        yield f"{found['submit']['statements_per_task']:.2f}"
        yield f"{found['run']['statements_per_task']:.2f}"
        yield f"{found['run']['transactions_per_task']:.2f}"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
