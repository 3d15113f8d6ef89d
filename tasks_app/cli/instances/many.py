"""Many instances at once: show them, ask, act on each, tell what became of them."""

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Final

from cpds.base import clock
from tasks_app.cli import arguments
from tasks_app.cli.asking import confirm_or_refuse, progress_bar
from tasks_app.cli.command import Options
from tasks_app.cli.exit_codes import ExitCode
from tasks_app.cli.instances.views import instance_table
from tasks_app.cli.output import Output
from tasks_app.cli.text import plain
from tasks_app.cli.words import read_instance_status
from tasks_app.services import queries
from tasks_app.services.control.bulk import Action, ControlOptions, choose_instances, control_instances
from tasks_app.services.control.selection import Chosen

SHOWN: Final = 20
DONE: Final = {
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.CANCEL: "cancelled",
    Action.RETRY: "retried",
}


def takes_choice(parser: ArgumentParser) -> None:
    """Let many instances be chosen."""
    parser.add_argument(
        "--workflow", metavar="W", type=arguments.reference, help="all of this workflow: id or name"
    )
    parser.add_argument(
        "--status", metavar="S", help="all in this state; by default all that the action applies to"
    )
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        type=arguments.span,
        help="all that ended (or, if unfinished, began) longer ago: 30d, 12h",
    )


def control(out: Output, options: Options, *, act: Action, how: ControlOptions) -> ExitCode | None:
    """Do with every chosen instance what was asked; exit 1 if any refused."""
    states = [read_instance_status(options.status)] if options.status is not None else []
    chosen = Chosen(workflow=options.workflow, states=states, older_than_seconds=options.older_than)
    ids = choose_instances(chosen=chosen, act=act)
    if not show_chosen(out, ids, dry_run=options.dry_run, verb=act.value):
        return None
    confirm_or_refuse(out, f"{act.value.capitalize()} {counted(len(ids))}?", done=DONE[act], yes=options.yes)
    done: list[str] = []
    refused: list[dict[str, str]] = []
    with progress_bar(out, title=act.value, total=len(ids)) as moved_on:
        for each in control_instances(act=act, instances=ids, how=how):
            if each.refusal:
                refused.append({"id": each.instance, "message": each.refusal})
            else:
                done.append(each.instance)
            moved_on()
    summarize(out, word=DONE[act], done=done, refused=refused)
    return ExitCode.FAILED if refused else None


def show_chosen(out: Output, ids: Sequence[str], *, dry_run: bool, verb: str) -> bool:
    """Show which instances were chosen; return whether there is anything to go on with."""
    if out.as_json:
        if dry_run or not ids:
            out.document({"dry_run": dry_run, "count": len(ids), "instances": list(ids)})
        return bool(ids) and not dry_run
    if not ids:
        out.line("No instance fits.")
        return False
    out.line(f"To {verb}: {counted(len(ids))}")
    rows = queries.instance_summaries(ids=ids[:SHOWN])
    out.lines(instance_table(rows, now=clock.now(), width=out.width))
    if len(ids) > SHOWN:
        out.line(f"… and {len(ids) - SHOWN:,} more")
    return not dry_run


def summarize(out: Output, *, word: str, done: Sequence[str], refused: Sequence[dict[str, str]]) -> None:
    """Tell how many were done and which refused, and why."""
    if out.as_json:
        out.document({word: list(done), "refused": list(refused)})
        return
    out.line(f"✅ {word.capitalize()}: {counted(len(done))}")
    if refused:
        out.note(f"Refused: {counted(len(refused))}", style="yellow")
        for line in _first(each["message"] for each in refused):
            out.note(f"  {plain(line)}")


def counted(number: int) -> str:
    """Return a number of instances in words."""
    return "1 instance" if number == 1 else f"{number:,} instances"


def _first(lines: Iterable[str]) -> Iterable[str]:
    shown = list(lines)
    yield from shown[:SHOWN]
    if len(shown) > SHOWN:
        yield f"… and {len(shown) - SHOWN:,} more"
