"""``manage.py task``: tasks one by one, those of workflows and those created on their own."""

from argparse import ArgumentParser

from cpds.base import clock
from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.instances import hold_views
from tasks_app.cli.output import Output
from tasks_app.cli.resources import task_creation, task_views
from tasks_app.cli.who import takes_by, takes_reason
from tasks_app.cli.words import read_task_status
from tasks_app.services import queries
from tasks_app.services.control.tasks import cancel_task, retry_task
from tasks_app.services.lookup.by_name import find_task


def _list(out: Output, options: Options) -> None:
    rows = queries.list_tasks(
        project=options.project,
        status=read_task_status(options.status) if options.status is not None else None,
        executor=options.executor,
        tag=options.tag,
        created_by=options.created_by,
        worker=options.worker,
        only_loose=options.loose,
        search=options.search or "",
        limit=options.limit,
    )
    if out.as_json:
        out.document(rows)
    else:
        out.lines(task_views.task_table(rows, width=out.width))


def _show(out: Output, options: Options) -> None:
    task = queries.task_detail(given=options.task)
    if out.as_json:
        out.document(task)
    else:
        out.lines(task_views.task_lines(task))


def _cancel(out: Output, options: Options) -> None:
    task = find_task(given=options.task)
    cancel_task(task=task, by=options.by, reason=options.reason)
    _say(out, options.task, "cancelled")


def _retry(out: Output, options: Options) -> None:
    keys = retry_task(task=find_task(given=options.task), by=options.by, reason=options.reason)
    more = f" with {len(keys) - 1} ruled out because of it" if len(keys) > 1 else ""
    _say(out, options.task, "tried again", more=more, tasks=keys)


def _say(out: Output, task: str, what: str, *, more: str = "", **facts: object) -> None:
    if out.as_json:
        out.document({"task": queries.task_detail(given=task), **facts})
    else:
        out.line(f"✅ Task {task} is {what}{more}")


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
    parser.add_argument(
        "task", metavar="TASK", type=arguments.reference, help="its id, its number, or INSTANCE/NAME"
    )


def _takes_control_options(parser: ArgumentParser) -> None:
    _takes_task(parser)
    takes_reason(parser)
    takes_by(parser)


def _takes_list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--status", metavar="S", help="only those in this state: Running, Failed, completed …"
    )
    for option, text in (
        ("--project", "only those of this project, by its slug"),
        ("--executor", "only those performed by this: claude, external, shell_command …"),
        ("--tag", "only those with this tag"),
        ("--created-by", "only those that this person or program created on their own"),
        ("--worker", "only those that this worker holds, or held last"),
        ("--search", "only those with this text in their name or title"),
    ):
        parser.add_argument(option, metavar="X", type=arguments.reference, help=text)
    parser.add_argument("--loose", action="store_true", help="only those that were created on their own")
    parser.add_argument(
        "--limit", metavar="N", type=arguments.row_count, default=20, help="at most so many (%(default)s)"
    )


class Command(CommandWithVerbs):
    """Tasks on the command line."""

    help = "Create tasks without a workflow; show and control single tasks."
    examples = (
        "task create --title 'Build login' --priority high",
        "task list --status failed",
        "task why inst-3f8/load",
        "task retry TASK-0A1B2C3D",
    )
    verbs = (
        Subcommand(
            name="list",
            help="List the newest tasks.",
            examples=("task list --loose", "task list --status failed --executor claude --json"),
            perform=_list,
            arguments=_takes_list_arguments,
        ),
        Subcommand(
            name="show",
            help="Show everything about a task.",
            examples=("task show TASK-0A1B2C3D", "task show inst-3f8/load --json"),
            perform=_show,
            arguments=_takes_task,
        ),
        Subcommand(
            name="create",
            help="Create one task, or up to 10,000 from a file.",
            examples=(
                "task create --id TASK-001 --title 'Build login' --description 'A form and a session'",
                "task create tasks.yaml",
            ),
            perform=task_creation.create,
            arguments=task_creation.takes_create_arguments,
        ),
        Subcommand(
            name="cancel",
            help="Cancel one task; what cannot start without it is skipped.",
            examples=("task cancel TASK-001 --reason 'not needed'",),
            perform=_cancel,
            arguments=_takes_control_options,
        ),
        Subcommand(
            name="retry",
            help="Retry a task, with what was ruled out because of it.",
            examples=("task retry TASK-001", "task retry inst-3f8/load --json"),
            perform=_retry,
            arguments=_takes_control_options,
        ),
        Subcommand(
            name="why",
            help="Show what a task waits for, since when and until when.",
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
