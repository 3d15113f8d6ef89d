"""``manage.py listener``: who hears what happens, and how far each is."""

from argparse import ArgumentParser

from tasks_app.cli import listener_views
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.services.listeners import list_listeners, retry_listener


def _list(out: Output, _options: Options) -> None:
    rows = list_listeners()
    if out.as_json:
        out.document(rows)
    else:
        out.lines(listener_views.listener_table(rows, width=out.width))


def _retry(out: Output, options: Options) -> None:
    resumed = retry_listener(name=options.name)
    if out.as_json:
        out.document({"name": options.name, "resumed": resumed})
    else:
        out.line(f"{options.name} is told again of {resumed} instance{'' if resumed == 1 else 's'}.")


def _takes_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a listener's name")


class Command(CommandWithVerbs):
    """Listeners on the command line."""

    help = "Look after listeners: who is told of events."
    examples = ("listener list", "listener retry webhook")
    verbs = (
        Subcommand(
            name="list",
            help="List the listeners, and of how many instances each has yet to hear.",
            examples=("listener list", "listener list --json"),
            perform=_list,
        ),
        Subcommand(
            name="retry",
            help="Tell a listener again, at once, what it failed to hear.",
            examples=("listener retry webhook",),
            perform=_retry,
            arguments=_takes_name,
        ),
    )
