"""``manage.py instance``: what runs, what ran, how far it is, and controlling it."""

from argparse import ArgumentParser

from cpds.base import clock
from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.exit_codes import ExitCode
from tasks_app.cli.instances import answers, compare, control, follow, prune, views
from tasks_app.cli.instances.execution import show_status, wait_and_show
from tasks_app.cli.output import Output
from tasks_app.cli.words import read_instance_status
from tasks_app.services import queries
from tasks_app.states import InstanceState


def _list(out: Output, options: Options) -> None:
    status = read_instance_status(options.status) if options.status is not None else None
    rows = queries.list_instances(status=status, workflow=options.workflow, limit=options.limit)
    if out.as_json:
        out.document(rows)
    else:
        out.lines(views.instance_table(rows, now=clock.now(), width=out.width))


def _history(out: Output, options: Options) -> None:
    status = read_instance_status(options.status) if options.status is not None else None
    rows = queries.list_instances(status=status, workflow=options.workflow, limit=options.limit)
    if out.as_json:
        out.document(rows)
    else:
        with_errors = status is InstanceState.FAILED
        out.lines(views.history_table(rows, now=clock.now(), width=out.width, with_errors=with_errors))


def _status(out: Output, options: Options) -> None:
    show_status(out, given=options.id)


def _logs(out: Output, options: Options) -> None:
    instance = queries.instance_summary(given=options.id).id
    if options.follow:
        for event in follow.follow_events(instance=instance):
            if out.as_json:
                out.document_line(event)
            else:
                out.line(views.event_line(event))
    elif out.as_json:
        out.document(list(follow.events_so_far(instance=instance)))
    else:
        out.lines(map(views.event_line, follow.events_so_far(instance=instance)))


def _wait(out: Output, options: Options) -> ExitCode:
    instance = queries.instance_summary(given=options.id).id
    return wait_and_show(out, instance=instance, timeout_seconds=options.timeout)


def _takes_id(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", type=arguments.reference, help="an id, or its beginning")


def _takes_selection(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--status", metavar="S", help="only those in this state: Running, Failed, completed …"
    )
    parser.add_argument(
        "--limit", metavar="N", type=arguments.row_count, default=20, help="at most so many (%(default)s)"
    )


def _takes_list_arguments(parser: ArgumentParser) -> None:
    _takes_selection(parser)
    parser.add_argument(
        "--workflow", metavar="W", type=arguments.reference, help="only those of this workflow: id or name"
    )


def _takes_history_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "workflow", metavar="WORKFLOW", type=arguments.reference, help="a workflow's id or name"
    )
    _takes_selection(parser)


def _takes_logs_arguments(parser: ArgumentParser) -> None:
    _takes_id(parser)
    parser.add_argument(
        "--follow",
        action="store_true",
        help="print what happens until the instance ends; with --json, one document per line",
    )


def _takes_wait_arguments(parser: ArgumentParser) -> None:
    _takes_id(parser)
    parser.add_argument(
        "--timeout", metavar="S", type=arguments.span, help="give up after this long: seconds, or 30s, 5m, 1h"
    )


class Command(CommandWithVerbs):
    """Instances on the command line."""

    help = "Show and control instances, which are runs of workflows."
    examples = (
        "instance list --status Running",
        "instance status inst-3f8",
        "instance logs inst-3f8 --follow",
        "instance cancel inst-3f8 --reason 'wrong branch'",
    )
    verbs = (
        Subcommand(
            name="list",
            help="List the newest instances.",
            examples=("instance list", "instance list --status failed --limit 5 --json"),
            perform=_list,
            arguments=_takes_list_arguments,
        ),
        Subcommand(
            name="status",
            help="Show the state of an instance and of its tasks.",
            examples=("instance status inst-3f8", "instance status inst-3f8 --json"),
            perform=_status,
            arguments=_takes_id,
        ),
        Subcommand(
            name="history",
            help="List the newest instances of a workflow; with --status Failed, why they failed.",
            examples=(
                "instance history nightly-etl",
                "instance history nightly-etl --status Failed --limit 5",
            ),
            perform=_history,
            arguments=_takes_history_arguments,
        ),
        Subcommand(
            name="logs",
            help="Print the events of an instance.",
            examples=("instance logs inst-3f8", "instance logs inst-3f8 --follow"),
            perform=_logs,
            arguments=_takes_logs_arguments,
        ),
        Subcommand(
            name="wait",
            help="Wait until an instance ends: exit 0 completed, 1 failed or cancelled, 4 not in time.",
            examples=("instance wait inst-3f8", "instance wait inst-3f8 --timeout 10m --json"),
            perform=_wait,
            arguments=_takes_wait_arguments,
        ),
        *control.VERBS,
        *answers.VERBS,
        *compare.VERBS,
        *prune.VERBS,
    )
