"""``manage.py task create``: one task from options, or many from a file."""

from argparse import ArgumentParser
from typing import Any

from tasks_app.cli import arguments
from tasks_app.cli.command import Options
from tasks_app.cli.errors import WrongUsage
from tasks_app.cli.files import read_source
from tasks_app.cli.output import Output
from tasks_app.cli.who import takes_by
from tasks_app.errors import InvalidTasks, InvalidWorkflow
from tasks_app.planning.source.yaml_source import read_yaml
from tasks_app.services.submit.loose import Created, create_task, create_tasks


def create(out: Output, options: Options) -> None:
    """Create what the file holds, or the task that the options describe."""
    asked = _asked(options)
    if options.file is not None and asked:
        raise WrongUsage(message="give a file or options that describe a task, not both")
    if options.file is None:
        _show(out, create_task(task=asked, by=options.by))
        return
    sent = _read(options.file)
    if "tasks" in sent:
        made = create_tasks(tasks=_list(sent["tasks"]), by=options.by, pointer="/tasks")
    else:
        made = create_task(task=sent, by=options.by)
    _show(out, made)


def takes_create_arguments(parser: ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="YAML or JSON: a task, or a list under tasks; - is standard input",
    )
    parser.add_argument(
        "--id", metavar="ID", type=arguments.reference, help="its id; one is made up otherwise"
    )
    parser.add_argument("--title", metavar="T", type=arguments.reference, help="what people call it")
    parser.add_argument("--description", metavar="D", type=arguments.reference, help="what is to be done")
    parser.add_argument("--priority", metavar="P", help="low, medium, high, critical or 0 to 9")
    parser.add_argument(
        "--run", metavar="R", type=arguments.reference, help="an executor or function; external"
    )
    parser.add_argument(
        "--needs", metavar="TASK", action="append", default=[], help="a task it needs; repeatable"
    )
    parser.add_argument(
        "--tag", metavar="TAG", action="append", default=[], help="a word to find it by; repeatable"
    )
    takes_by(parser, help="who creates it")


def _asked(options: Options) -> dict[str, Any]:
    priority = options.priority
    given = {
        "task_id": options.id,
        "title": options.title,
        "description": options.description,
        "priority": int(priority) if priority is not None and priority.isdecimal() else priority,
        "run": options.run,
        "needs": options.needs,
        "tags": options.tag,
    }
    return {key: value for key, value in given.items() if value not in (None, [])}


def _read(file: str) -> dict[str, Any]:
    try:
        sent: dict[str, Any] = read_yaml(read_source(file)).value
    except InvalidWorkflow as error:
        raise InvalidTasks(**error.facts) from None
    return sent


def _list(tasks: Any) -> list[Any]:
    if not isinstance(tasks, list):
        raise WrongUsage(message="tasks has to be a list")
    return tasks


def _show(out: Output, made: Created) -> None:
    if out.as_json:
        out.document({"instance_id": made.instance_id, "task_ids": list(made.task_ids)})
        return
    shown = ", ".join(made.task_ids[:10])
    more = f" and {len(made.task_ids) - 10:,} more" if len(made.task_ids) > 10 else ""
    out.line(f"✅ Created {shown}{more} ({made.instance_id})")
