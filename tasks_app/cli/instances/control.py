"""``manage.py instance pause|resume|cancel|retry|rerun|why``: one instance, or many at once."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Final

from tasks_app.cli import arguments
from tasks_app.cli.command import Options, Subcommand
from tasks_app.cli.errors import WrongUsage
from tasks_app.cli.exit_codes import ExitCode
from tasks_app.cli.instances import hold_views, many
from tasks_app.cli.output import Output
from tasks_app.cli.who import takes_by, takes_reason
from tasks_app.errors import NoWorkflow
from tasks_app.services import queries
from tasks_app.services.control.bulk import Action, ControlOptions, control_instance
from tasks_app.services.queries.views.instances import InstanceRowView
from tasks_app.services.submit.instances import rerun_instance
from tasks_app.services.workflows import definitions
from tasks_app.states import INSTANCE_FINAL

LATEST: Final = "latest"
Perform = Callable[[Output, Options], ExitCode | None]


def _control(act: Action) -> Perform:
    def perform(out: Output, options: Options) -> ExitCode | None:
        how = _how(act, options)
        selects = options.workflow is not None or options.status is not None or options.older_than is not None
        if options.id is None:
            if not selects:
                message = "name an instance, or choose with --workflow, --status or --older-than"
                raise WrongUsage(message=message)
            return many.control(out, options, act=act, how=how)
        if selects or options.dry_run:
            raise WrongUsage(message="an ID goes without --workflow, --status, --older-than and --dry-run")
        _show(out, act, control_instance(act=act, given=options.id, how=how))
        return None

    return perform


def _how(act: Action, options: Options) -> ControlOptions:
    facts = {"by": options.by, "reason": options.reason}
    match act:
        case Action.PAUSE:
            return ControlOptions(**facts, now=options.now, until=options.until)
        case Action.CANCEL:
            return ControlOptions(**facts, drain=options.drain, compensate=options.compensate)
        case _:
            return ControlOptions(**facts)


def _show(out: Output, act: Action, instance: str) -> None:
    summary = queries.instance_summary(given=instance)
    if out.as_json:
        out.document(summary)
    elif act is Action.CANCEL and summary.status not in INSTANCE_FINAL:
        out.line(f"✅ Instance is being cancelled: {instance} ({summary.status})")
    else:
        out.line(f"✅ Instance {many.DONE[act]}: {instance}")


def _rerun(out: Output, options: Options) -> None:
    origin = queries.instance_summary(given=options.id)
    if origin.workflow_id is None:
        raise NoWorkflow(instance=origin.id)
    version = _version(options.version, origin=origin, workflow=origin.workflow_id)
    params = definitions.read_params(workflow=origin.workflow_id, pairs=options.param, version=version)
    new = rerun_instance(
        given=origin.id,
        from_task=options.from_task,
        params=params,
        version=version,
        by=options.by,
        reason=options.reason,
    )
    if out.as_json:
        out.document({"id": new, "origin_id": origin.id, "from": options.from_task})
    else:
        out.line(f"✅ Instance ID: {new} (a rerun of {origin.id} from {options.from_task})")


def _version(asked: str | None, *, origin: InstanceRowView, workflow: str) -> int:
    if asked == LATEST:
        return definitions.latest_number(workflow=workflow)
    if asked is None:
        return int(queries.instance_status(given=origin.id).workflow_version or 0)
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 10):
        raise WrongUsage(message=f"--version takes a number or {LATEST}")
    return int(asked)


def _why(out: Output, options: Options) -> None:
    answer = queries.instance_holds(given=options.id)
    if out.as_json:
        out.document(answer)
    else:
        out.lines(hold_views.instance_hold_lines(answer))


def _takes_control_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", nargs="?", type=arguments.reference, help="an id, or its beginning"
    )
    takes_reason(parser)
    takes_by(parser)
    many.takes_choice(parser)
    parser.add_argument("--dry-run", action="store_true", help="only show which instances would be chosen")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def _drain_or_now(parser: ArgumentParser, *, drain: str, now: str) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--drain", action="store_true", help=drain)
    group.add_argument("--now", action="store_true", help=now)


def _takes_pause(parser: ArgumentParser) -> None:
    _takes_control_options(parser)
    _drain_or_now(
        parser,
        drain="let running tasks finish (the default)",
        now="stop running tasks; they start again at resume",
    )
    parser.add_argument(
        "--until",
        metavar="TIME",
        type=arguments.later,
        help="resume by itself then: 2026-01-31T18:00 (UTC), or a span such as 2h",
    )


def _takes_cancel(parser: ArgumentParser) -> None:
    _takes_control_options(parser)
    _drain_or_now(parser, drain="let running tasks finish first", now="stop running tasks (the default)")
    parser.add_argument(
        "--compensate", action="store_true", help="then undo what completed, in reverse order of completion"
    )


def _takes_rerun(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", type=arguments.reference, help="an ended instance")
    parser.add_argument(
        "--from",
        dest="from_task",
        metavar="TASK",
        required=True,
        type=arguments.reference,
        help="where to begin",
    )
    arguments.takes_params(parser, help="another value for a parameter")
    parser.add_argument(
        "--version",
        metavar="N",
        type=arguments.reference,
        help="another version of the workflow: its number, or latest (that of the origin)",
    )
    takes_reason(parser)
    takes_by(parser)


def _takes_id(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", type=arguments.reference, help="an id, or its beginning")


VERBS: Final = (
    Subcommand(
        name="pause",
        help="Start nothing new in an instance, or in many.",
        examples=("instance pause inst-3f8 --until 2h", "instance pause --workflow nightly-etl --now --yes"),
        perform=_control(Action.PAUSE),
        arguments=_takes_pause,
    ),
    Subcommand(
        name="resume",
        help="Resume a paused instance, or many.",
        examples=("instance resume inst-3f8", "instance resume --workflow nightly-etl --yes"),
        perform=_control(Action.RESUME),
        arguments=_takes_control_options,
    ),
    Subcommand(
        name="cancel",
        help="Cancel an instance, or many; running tasks are stopped unless --drain lets them finish.",
        examples=(
            "instance cancel inst-3f8 --reason 'wrong branch'",
            "instance cancel --workflow nightly-etl --status failed --older-than 2d",
        ),
        perform=_control(Action.CANCEL),
        arguments=_takes_cancel,
    ),
    Subcommand(
        name="retry",
        help="Retry a failed or cancelled instance, or many, from what did not complete.",
        examples=("instance retry inst-3f8", "instance retry --workflow nightly-etl --dry-run"),
        perform=_control(Action.RETRY),
        arguments=_takes_control_options,
    ),
    Subcommand(
        name="rerun",
        help="Run an ended instance again from a task on, as a new instance that shares the earlier results.",
        examples=(
            "instance rerun inst-3f8 --from load --param limit=10",
            "instance rerun inst-3f8 --from load --version latest",
        ),
        perform=_rerun,
        arguments=_takes_rerun,
    ),
    Subcommand(
        name="why",
        help="Show what an instance and its foremost tasks wait for.",
        examples=("instance why inst-3f8", "instance why inst-3f8 --json"),
        perform=_why,
        arguments=_takes_id,
    ),
)
