"""``manage.py worker``: who is there, and what they are asked to do."""

from argparse import ArgumentParser
from collections.abc import Callable

from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.exit_codes import ExitCode
from tasks_app.cli.output import Output
from tasks_app.cli.text import plain
from workers_app.cli import worker_views
from workers_app.fleet import operators
from workers_app.fleet.describe import WorkerStatus, describe_fleet, describe_workers
from workers_app.models import Worker


def _list(out: Output, options: Options) -> None:
    rows = [worker_views.worker_row(each) for each in describe_fleet()]
    if options.status:
        rows = [row for row in rows if row.status == options.status]
    elif not options.all:
        rows = [row for row in rows if row.status != WorkerStatus.OFFLINE]
    if out.as_json:
        out.document(rows)
    else:
        out.lines(worker_views.worker_table(rows, width=out.width))


def _show(out: Output, options: Options) -> None:
    _tell(out, operators.find_worker(given=options.name))


def _tell(out: Output, worker: Worker) -> None:
    [seen] = describe_workers([worker])
    row = worker_views.worker_row(seen)
    if out.as_json:
        out.document(row)
    else:
        out.lines(worker_views.worker_lines(row))


def _asking(act: Callable[..., Worker], said: str) -> Callable[[Output, Options], ExitCode | None]:
    def perform(out: Output, options: Options) -> None:
        worker = act(given=options.name)
        if out.as_json:
            _tell(out, worker)
        else:
            out.line(f"✅ {plain(worker.name)} {said}")

    return perform


def _takes_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", type=arguments.reference, help="its name, or its id")


def _takes_list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="those that are offline too")
    parser.add_argument(
        "--status", choices=[str(each) for each in WorkerStatus], help="only those in this state"
    )


class Command(CommandWithVerbs):
    """The fleet on the command line."""

    help = "Show workers; drain, undrain and stop them."
    examples = ("worker list", "worker drain w1@host", "worker stop w1@host")
    verbs = (
        Subcommand(
            name="list",
            help="List the workers that are online.",
            examples=("worker list", "worker list --all --json", "worker list --status busy"),
            perform=_list,
            arguments=_takes_list_arguments,
        ),
        Subcommand(
            name="show",
            help="Show everything about a worker.",
            examples=("worker show w1@host", "worker show w1@host --json"),
            perform=_show,
            arguments=_takes_name,
        ),
        Subcommand(
            name="drain",
            help="Drain a worker: it finishes what it runs and takes nothing new, also after a restart.",
            examples=("worker drain w1@host",),
            perform=_asking(operators.drain_worker, "finishes what it runs and takes nothing new"),
            arguments=_takes_name,
        ),
        Subcommand(
            name="undrain",
            help="Let a drained worker take tasks again.",
            examples=("worker undrain w1@host",),
            perform=_asking(operators.undrain_worker, "takes tasks again"),
            arguments=_takes_name,
        ),
        Subcommand(
            name="stop",
            help="Shut a worker down; what it cannot finish in time is handed back.",
            examples=("worker stop w1@host",),
            perform=_asking(operators.stop_worker, "is shutting down"),
            arguments=_takes_name,
        ),
    )
