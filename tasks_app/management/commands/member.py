"""``manage.py member``: who belongs to a project."""

from argparse import ArgumentParser

from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.cli.resources import access_views
from tasks_app.cli.who import whoever
from tasks_app.roles import Role
from tasks_app.services.access import callers, members


def _add(out: Output, options: Options) -> None:
    caller = callers.operator(name=whoever())
    project = callers.find_project(caller=caller, slug=options.project)
    row = members.add_member(
        caller=caller, project=project, username=options.username, role=Role(options.role)
    )
    if out.as_json:
        out.document(access_views.member_document(row))
    else:
        out.line(f"✅ Member added: {options.username} ({row.role} of {project.slug})")


def _list(out: Output, options: Options) -> None:
    project = callers.find_project(caller=callers.operator(name=whoever()), slug=options.project)
    documents = [access_views.member_document(row) for row in members.members_of(project=project)]
    if out.as_json:
        out.document(documents)
    else:
        out.lines(access_views.member_table(documents, width=out.width))


def _takes_project(parser: ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT", type=arguments.reference, help="its slug")


def _takes_member(parser: ArgumentParser) -> None:
    _takes_project(parser)
    parser.add_argument("username", metavar="USERNAME", type=arguments.reference, help="a user's name")
    parser.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default=Role.VIEWER.value,
        help="their role (%(default)s)",
    )


class Command(CommandWithVerbs):
    """Members on the command line."""

    help = "Add and list the members of projects, each with a role."
    examples = ("member add default ada --role editor", "member list default")
    verbs = (
        Subcommand(
            name="add",
            help="Give a user a role in a project.",
            examples=("member add default ada --role editor",),
            perform=_add,
            arguments=_takes_member,
        ),
        Subcommand(
            name="list",
            help="List the members of a project.",
            examples=("member list default", "member list default --json"),
            perform=_list,
            arguments=_takes_project,
        ),
    )
