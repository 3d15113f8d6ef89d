"""``manage.py listener``: who hears what happens, and how far each is."""

from argparse import ArgumentParser
from functools import partial

from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.cli.resources import listener_views
from tasks_app.cli.text import plain
from tasks_app.cli.who import whoever
from tasks_app.services.listeners.operations import (
    list_failed_deliveries,
    list_listeners,
    retry_listener,
    skip_event,
)


def _list(out: Output, _options: Options) -> None:
    rows = list_listeners()
    if out.as_json:
        out.document(rows)
    else:
        out.lines(listener_views.listener_table(rows, width=out.width))


def _retry(out: Output, options: Options) -> None:
    resumed = retry_listener(name=options.name, instance=options.instance)
    if out.as_json:
        out.document({"name": options.name, "resumed": resumed})
    else:
        out.line(f"{options.name} is told again of {resumed} instance{'' if resumed == 1 else 's'}.")


def _failures(out: Output, options: Options) -> None:
    rows = list_failed_deliveries(name=options.name)
    if out.as_json:
        out.document(rows)
    else:
        out.lines(listener_views.failure_table(rows, width=out.width))


def _skip(out: Output, options: Options) -> None:
    skipped = skip_event(name=options.name, instance=options.instance, by=whoever())
    if out.as_json:
        out.document({"name": options.name, "skipped": skipped})
    elif skipped is None:
        out.line(f"{options.name} fails at nothing in {options.instance}.")
    else:
        of = f" of {plain(skipped.task)}" if skipped.task else ""
        out.line(f"{options.name} never hears {skipped.kind}{of} (event {skipped.event_id}).")


def _takes_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", type=arguments.reference, help="a listener's name")


def _takes_instance(parser: ArgumentParser, *, required: bool) -> None:
    _takes_name(parser)
    parser.add_argument(
        "--instance",
        metavar="ID",
        type=arguments.reference,
        required=required,
        help="the instance" if required else "only of this instance",
    )


class Command(CommandWithVerbs):
    """Listeners on the command line."""

    help = "Show and retry listeners, which receive events."
    examples = ("listener list", "listener retry webhook", "listener skip webhook --instance inst-3f8")
    verbs = (
        Subcommand(
            name="list",
            help="List the listeners, each with the number of instances whose events it has yet to receive.",
            examples=("listener list", "listener list --json"),
            perform=_list,
        ),
        Subcommand(
            name="retry",
            help="Deliver again, at once, the events that a listener failed to receive.",
            examples=("listener retry webhook",),
            perform=_retry,
            arguments=partial(_takes_instance, required=False),
        ),
        Subcommand(
            name="failures",
            help="Show where a listener fails: the instance, the event, and why.",
            examples=("listener failures webhook", "listener failures webhook --json"),
            perform=_failures,
            arguments=_takes_name,
        ),
        Subcommand(
            name="skip",
            help="Skip the event that a listener fails to receive of an instance, and continue after it.",
            examples=("listener skip webhook --instance inst-3f8",),
            perform=_skip,
            arguments=partial(_takes_instance, required=True),
        ),
    )
