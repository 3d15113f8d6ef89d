"""``manage.py instance prune``: delete what ended long ago."""

from argparse import ArgumentParser
from typing import Final

from tasks_app.cli import arguments
from tasks_app.cli.asking import confirm_or_refuse, progress_bar
from tasks_app.cli.command import Options, Subcommand
from tasks_app.cli.instances import many
from tasks_app.cli.output import Output
from tasks_app.cli.words import read_instance_status
from tasks_app.services.workflows.prune import prunable_instances, prune_instances

_KEPT: Final = (
    "Instance {} stays: it goes on, or a rerun of it or what started it does, "
    "or tasks elsewhere need it; or that holds for one that it started."
)


def _prune(out: Output, options: Options) -> None:
    states = [read_instance_status(options.status)] if options.status is not None else []
    ids = prunable_instances(older_than_seconds=options.older_than, states=states, workflow=options.workflow)
    if not many.show_chosen(out, ids, dry_run=options.dry_run, verb="prune"):
        return
    question = f"Delete {many.counted(len(ids))} with all tasks, records and events?"
    confirm_or_refuse(out, question, done="deleted", yes=options.yes)
    gone: list[str] = []
    kept: list[dict[str, str]] = []
    with progress_bar(out, title="prune", total=len(ids)) as moved_on:
        for instance, is_gone in prune_instances(ids):
            if is_gone:
                gone.append(instance)
            else:
                message = _KEPT.format(instance)
                kept.append({"id": instance, "message": message})
            moved_on()
    many.summarize(out, word="pruned", done=gone, refused=kept)


def _takes_prune_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        type=arguments.span,
        required=True,
        help="those that ended longer ago: 30d, 12h",
    )
    parser.add_argument("--status", metavar="S", help="only those in this state")
    parser.add_argument(
        "--workflow", metavar="W", type=arguments.reference, help="only those of this workflow: id or name"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show which instances would be deleted")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


VERBS: Final = (
    Subcommand(
        name="prune",
        help="Delete ended instances with their tasks, records and events.",
        examples=(
            "instance prune --older-than 30d --dry-run",
            "instance prune --older-than 90d --status failed --yes",
        ),
        perform=_prune,
        arguments=_takes_prune_arguments,
    ),
)
