"""``manage.py project``: tenants."""

from argparse import ArgumentParser

from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.cli.resources import access_views
from tasks_app.cli.who import whoever
from tasks_app.models import Project
from tasks_app.services.access import callers, projects


def _create(out: Output, options: Options) -> None:
    row = projects.create_project(
        caller=callers.operator(name=whoever()), slug=options.slug, name=options.name or options.slug
    )
    if out.as_json:
        out.document(access_views.project_document(row))
    else:
        out.line(f"✅ Project created: {row.slug}")


def _list(out: Output, options: Options) -> None:
    del options
    documents = [access_views.project_document(row) for row in Project.objects.order_by("slug")]
    if out.as_json:
        out.document(documents)
    else:
        out.lines(access_views.project_table(documents, width=out.width))


def _takes_project(parser: ArgumentParser) -> None:
    parser.add_argument("slug", metavar="SLUG", type=arguments.slug, help="part of addresses, never changes")
    parser.add_argument("--name", metavar="NAME", type=arguments.reference, help="shown to people (the slug)")


class Command(CommandWithVerbs):
    """Projects on the command line."""

    help = "Create and list projects; everything belongs to one."
    examples = ("project create garden --name 'The garden'", "project list")
    verbs = (
        Subcommand(
            name="create",
            help="Create a project.",
            examples=("project create garden --name 'The garden'",),
            perform=_create,
            arguments=_takes_project,
        ),
        Subcommand(
            name="list",
            help="List the projects.",
            examples=("project list", "project list --json"),
            perform=_list,
        ),
    )
