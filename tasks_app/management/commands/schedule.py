"""``manage.py schedule``: what starts by itself, and when."""

from argparse import ArgumentParser
from dataclasses import asdict

from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.cli.resources import schedule_views
from tasks_app.cli.text import plain
from tasks_app.cli.times import shown_time
from tasks_app.cli.who import takes_reason, whoever
from tasks_app.services import queries
from tasks_app.services.maintenance import firing
from tasks_app.services.schedules import control


def _list(out: Output, options: Options) -> None:
    del options
    rows = queries.list_schedules()
    if out.as_json:
        out.document(rows)
    else:
        out.lines(schedule_views.schedule_table(rows, width=out.width))


def _next(out: Output, options: Options) -> None:
    found = queries.next_fires(given=options.name, count=options.number)
    if out.as_json:
        out.document(found)
        return
    if found.paused:
        out.note("The schedule is paused; these are the times it would fire.", style="yellow")
    out.lines(schedule_views.fire_table(found, width=out.width))


def _pause(out: Output, options: Options) -> None:
    control.pause_schedule(given=options.name, reason=options.reason, by=whoever())
    _show(out, options, "paused")


def _resume(out: Output, options: Options) -> None:
    control.resume_schedule(given=options.name, by=whoever())
    _show(out, options, "resumed")


def _show(out: Output, options: Options, done: str) -> None:
    row = queries.schedule_summary(given=options.name)
    if out.as_json:
        out.document(row)
    else:
        after = f", next at {shown_time(row.next_fire_at)} UTC" if row.next_fire_at else ""
        out.line(f"✅ Schedule {done}: {plain(row.workflow_name)}{after}")


def _fire(out: Output, options: Options) -> None:
    fired = firing.fire_now(given=options.name, by="manage.py schedule fire")
    if out.as_json:
        facts = asdict(fired)
        out.document({"id": facts.pop("instance_id"), **facts, "fire_at": queries.moment(at=fired.fire_at)})
    else:
        waits = f" ({plain(fired.note)})" if fired.note else ""
        out.line(f"✅ Instance ID: {fired.instance_id}{waits}")


def _takes_name(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", type=arguments.reference, help="the name of the workflow, or its id"
    )


def _takes_next_arguments(parser: ArgumentParser) -> None:
    _takes_name(parser)
    parser.add_argument(
        "-n",
        "--number",
        metavar="N",
        type=arguments.row_count,
        default=5,
        help="how many times (%(default)s)",
    )


def _takes_pause_arguments(parser: ArgumentParser) -> None:
    _takes_name(parser)
    takes_reason(parser)


class Command(CommandWithVerbs):
    """Schedules on the command line."""

    help = "Show schedules, pause and resume them, fire one by hand."
    examples = ("schedule list", "schedule next nightly-etl -n 5", "schedule pause nightly-etl")
    verbs = (
        Subcommand(
            name="list",
            help="List the schedules, the next to fire first.",
            examples=("schedule list", "schedule list --json"),
            perform=_list,
        ),
        Subcommand(
            name="next",
            help="Show when a schedule fires next.",
            examples=("schedule next nightly-etl -n 5", "schedule next nightly-etl --json"),
            perform=_next,
            arguments=_takes_next_arguments,
        ),
        Subcommand(
            name="pause",
            help="Pause a schedule; times that pass meanwhile are not made up for.",
            examples=("schedule pause nightly-etl --reason 'the source moves'",),
            perform=_pause,
            arguments=_takes_pause_arguments,
        ),
        Subcommand(
            name="resume",
            help="Resume a paused schedule, from now on.",
            examples=("schedule resume nightly-etl",),
            perform=_resume,
            arguments=_takes_name,
        ),
        Subcommand(
            name="fire",
            help="Start an instance now as the schedule would, paused or not.",
            examples=("schedule fire nightly-etl", "schedule fire nightly-etl --json"),
            perform=_fire,
            arguments=_takes_name,
        ),
    )
