"""``manage.py instance compare``: two instances side by side."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Final

from rich.text import Text

from tasks_app.cli import arguments
from tasks_app.cli.command import Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.cli.text import Cell, plain, table
from tasks_app.services import queries
from tasks_app.services.queries.comparison import ComparisonView, PairView


def _compare(out: Output, options: Options) -> None:
    answer = queries.compare_instances(a=options.a, b=options.b)
    if out.as_json:
        out.document(answer)
    else:
        out.lines(_lines(answer, width=out.width))


def _lines(answer: ComparisonView, *, width: int) -> Iterator[str | Text]:
    for side, whole in (("A", answer.a), ("B", answer.b)):
        version = f"{plain(whole.workflow_name)} v{whole.workflow_version}"
        parts = f"{version}, {whole.status}, {_span(whole.duration_ms)}, {_cost(whole.cost_usd)}"
        yield f"{side}: {whole.id} ({parts})"
    headings = ("TASK", "STATUS A", "STATUS B", "TIME A", "TIME B", "TRIES", "COST A", "COST B", "OUTPUT")
    yield from table(headings, [_cells(each) for each in answer.tasks], width=width)


def _cells(pair: PairView) -> tuple[Cell, ...]:
    a, b = pair.a, pair.b
    if a and b:
        output = "same" if pair.same_output else f"{a.output_digest[:7]} ≠ {b.output_digest[:7]}"
    else:
        output = "only in A" if a else "only in B"
    return (
        pair.name,
        a.status if a else "-",
        b.status if b else "-",
        _span(a.duration_ms if a else None),
        _span(b.duration_ms if b else None),
        f"{a.attempts if a else '-'}/{b.attempts if b else '-'}",
        _cost(a.cost_usd if a else None),
        _cost(b.cost_usd if b else None),
        output,
    )


def _span(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1000:.3f}s"


def _cost(dollars: float | None) -> str:
    return "-" if dollars is None else f"${dollars:.6f}".rstrip("0").rstrip(".")


def _takes_two(parser: ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", type=arguments.reference, help="an id, or its beginning")
    parser.add_argument("b", metavar="B", type=arguments.reference, help="another one, such as its rerun")


VERBS: Final = (
    Subcommand(
        name="compare",
        help="Show two instances side by side: states, times, attempts, costs, outputs.",
        examples=("instance compare inst-3f8 inst-9a1", "instance compare inst-3f8 inst-9a1 --json"),
        perform=_compare,
        arguments=_takes_two,
    ),
)
