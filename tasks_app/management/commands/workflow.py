"""``manage.py workflow``: definitions, and starting them."""

from argparse import ArgumentParser
from dataclasses import asdict

from tasks_app.cli import arguments
from tasks_app.cli.asking import confirm, is_terminal
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.exit_codes import ExitCode
from tasks_app.cli.files import read_source
from tasks_app.cli.instances.execution import start, wait_and_show
from tasks_app.cli.output import Output
from tasks_app.cli.resources import workflow_diff, workflow_views
from tasks_app.cli.who import whoever
from tasks_app.planning.definition.output.diff import diff_definitions
from tasks_app.planning.definition.output.schema import workflow_schema
from tasks_app.services import queries
from tasks_app.services.queries.views.workflows import change_view
from tasks_app.services.workflows import definitions
from tasks_app.services.workflows.removal import delete_workflow


def _validate(out: Output, options: Options) -> None:
    spec = definitions.validate_workflow(source=read_source(options.file))
    if out.as_json:
        out.document({"valid": True, "name": spec.name, "task_count": len(spec.tasks), "problems": []})
    else:
        out.line(f"✅ Workflow valid: {spec.name} ({_tasks(len(spec.tasks))})")


def _upload(out: Output, options: Options) -> None:
    upload = definitions.upload_workflow(source=read_source(options.file), by=whoever())
    if out.as_json:
        facts = asdict(upload)
        out.document({"id": facts.pop("workflow_id"), **facts})
    else:
        unchanged = "" if upload.created else ", unchanged"
        out.line(f"✅ Workflow uploaded: {upload.workflow_id} ({upload.name} v{upload.version}{unchanged})")


def _list(out: Output, options: Options) -> None:
    del options
    rows = queries.list_workflows()
    if out.as_json:
        out.document(rows)
    else:
        out.lines(workflow_views.workflow_table(rows, width=out.width))


def _show(out: Output, options: Options) -> None:
    detail = queries.workflow_detail(given=options.id)
    if out.as_json:
        out.document(detail)
    else:
        out.lines(workflow_views.workflow_lines(detail, width=out.width))


def _delete(out: Output, options: Options) -> None:
    # The whole id from here on: what was asked about is what is deleted.
    workflow = queries.workflow_summary(given=options.id)
    if not options.yes and not out.as_json and is_terminal():
        confirm(out, f"Delete {workflow.name} with {_instances(workflow.instances)}?", done="deleted")
    removal = delete_workflow(given=workflow.id, by=whoever())
    if out.as_json:
        out.document({"id": removal.workflow_id, "name": removal.name, "instances": removal.instances})
    else:
        out.line(
            f"✅ Workflow deleted: {removal.workflow_id} ({removal.name}, {_instances(removal.instances)})"
        )


def _execute(out: Output, options: Options) -> ExitCode | None:
    started = start(workflow=options.id, pairs=options.param, params_file=options.params_file)
    waits = options.wait or options.timeout is not None
    if not out.as_json:
        out.line(f"✅ Instance ID: {started.id}")
    elif not waits:
        out.document(started)
    return wait_and_show(out, instance=started.id, timeout_seconds=options.timeout) if waits else None


def _diff(out: Output, options: Options) -> None:
    one, other = (workflow_diff.named_definition(each) for each in (options.one, options.other))
    changes = diff_definitions(one, other)
    if out.as_json:
        out.document([change_view(each) for each in changes])
    elif changes:
        out.lines(workflow_diff.change_lines(changes))
    else:
        out.line("They say the same.")


def _schema(out: Output, options: Options) -> None:
    del options
    out.document(workflow_schema())


def _tasks(count: int) -> str:
    return f"{count} task" if count == 1 else f"{count} tasks"


def _instances(count: int) -> str:
    return f"{count} instance" if count == 1 else f"{count} instances"


def _takes_file(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a workflow in YAML or JSON; - reads standard input")


def _takes_workflow(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", type=arguments.reference, help="a workflow's id, its beginning, or its name"
    )


def _takes_delete_arguments(parser: ArgumentParser) -> None:
    _takes_workflow(parser)
    parser.add_argument(
        "--yes", action="store_true", help="do not ask for confirmation, which happens on a terminal only"
    )


def _takes_two(parser: ArgumentParser) -> None:
    text = "a workflow's id or name, with @VERSION for another than the newest; or a file"
    parser.add_argument("one", metavar="A", type=arguments.reference, help=text)
    parser.add_argument("other", metavar="B", type=arguments.reference, help="the same")


def _takes_execute_arguments(parser: ArgumentParser) -> None:
    _takes_workflow(parser)
    arguments.takes_params(parser, help="a parameter")
    parser.add_argument(
        "--params-file", metavar="FILE", help="parameters in YAML or JSON; --param goes before it"
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="wait for the end: exit 0 completed, 1 failed or cancelled",
    )
    parser.add_argument(
        "--timeout", metavar="S", type=arguments.span, help="wait at most this long (30s, 5m), else exit 4"
    )


class Command(CommandWithVerbs):
    """Workflows on the command line."""

    help = "Check, store, list, delete and execute workflows."
    examples = ("workflow upload nightly-etl.yaml", "workflow execute nightly-etl --param limit=10 --wait")
    verbs = (
        Subcommand(
            name="validate",
            help="Check a workflow; every problem is a line FILE:LINE:COLUMN.",
            examples=("workflow validate nightly-etl.yaml", "workflow validate - < nightly-etl.yaml"),
            perform=_validate,
            arguments=_takes_file,
        ),
        Subcommand(
            name="upload",
            help="Store a workflow, or the next version of it.",
            examples=("workflow upload nightly-etl.yaml", "workflow upload - --json < nightly-etl.yaml"),
            perform=_upload,
            arguments=_takes_file,
        ),
        Subcommand(
            name="list",
            help="List all workflows.",
            examples=("workflow list", "workflow list --json"),
            perform=_list,
        ),
        Subcommand(
            name="show",
            help="Show a workflow: its tasks, what each needs, its versions.",
            examples=("workflow show nightly-etl", "workflow show wf-3f8 --json"),
            perform=_show,
            arguments=_takes_workflow,
        ),
        Subcommand(
            name="delete",
            help="Delete a workflow, its versions and its ended instances.",
            examples=("workflow delete nightly-etl", "workflow delete wf-3f8 --yes"),
            perform=_delete,
            arguments=_takes_delete_arguments,
        ),
        Subcommand(
            name="execute",
            help="Start an instance of a workflow's newest version.",
            examples=(
                "workflow execute nightly-etl",
                "workflow execute nightly-etl --param limit=10 --params-file params.yaml --wait",
            ),
            perform=_execute,
            arguments=_takes_execute_arguments,
        ),
        Subcommand(
            name="diff",
            help="Show what differs between two versions, workflows or files.",
            examples=(
                "workflow diff nightly-etl@1 nightly-etl@2",
                "workflow diff nightly-etl nightly-etl.yaml --json",
            ),
            perform=_diff,
            arguments=_takes_two,
        ),
        Subcommand(
            name="schema",
            help="Print the JSON Schema of workflow files, for editors.",
            examples=("workflow schema > workflow.schema.json",),
            perform=_schema,
        ),
    )
