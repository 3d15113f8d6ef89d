"""``manage.py task``: one task of an instance."""

from argparse import ArgumentParser

from cpds.base import clock
from tasks_app.cli import arguments, hold_views
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.services import queries


def _why(out: Output, options: Options) -> None:
    answer = queries.task_holds(given=options.task)
    if out.as_json:
        out.document(answer)
    else:
        out.lines(hold_views.task_hold_lines(answer))


def _records(out: Output, options: Options) -> None:
    answer = queries.task_records(given=options.task)
    if out.as_json:
        out.document(answer)
    else:
        out.lines(hold_views.record_lines(answer, now=clock.now(), width=out.width))


def _takes_task(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", type=arguments.reference, help="its number, or INSTANCE/NAME")


class Command(CommandWithVerbs):
    """Tasks on the command line."""

    help = "Look at one task of an instance."
    examples = ("task why inst-3f8/load", "task records inst-3f8/load")
    verbs = (
        Subcommand(
            name="why",
            help="Say what a task waits for: each thing with since when and until when.",
            examples=("task why inst-3f8/load", "task why 4711 --json"),
            perform=_why,
            arguments=_takes_task,
        ),
        Subcommand(
            name="records",
            help="List the attempts at a task, with what each cost and how it failed.",
            examples=("task records inst-3f8/load", "task records 4711 --json"),
            perform=_records,
            arguments=_takes_task,
        ),
    )
