"""``manage.py token``: what programs and workers show instead of a password."""

from argparse import ArgumentParser

from tasks_app.cli import arguments
from tasks_app.cli.command import CommandWithVerbs, Options, Subcommand
from tasks_app.cli.output import Output
from tasks_app.cli.resources import access_views
from tasks_app.cli.who import whoever
from tasks_app.errors import NotFound
from tasks_app.roles import Role, TokenKind
from tasks_app.services.access import callers, members, tokens


def _create(out: Output, options: Options) -> None:
    caller = callers.operator(name=whoever())
    user = members.find_user(username=options.user) if options.user else None
    project = callers.chosen_project(caller=caller, named=options.project)
    new = tokens.create_token(
        caller=caller,
        name=options.name,
        role=Role(options.role),
        project=None if options.everywhere and user else project,
        user_id=user.pk if user else None,
        kind=TokenKind.WORKER if options.worker else TokenKind.PERSONAL,
        expires_at=options.expires,
        pool=options.pool,
    )
    if out.as_json:
        out.document(access_views.new_token_document(new.token, secret=new.secret))
    else:
        out.note("This is shown once; only its hash is kept.", style="yellow")
        out.line(new.secret)


def _list(out: Output, options: Options) -> None:
    caller = callers.operator(name=whoever())
    rows = tokens.visible_tokens(caller=caller)
    if options.project:
        rows = rows.filter(project=callers.find_project(caller=caller, slug=options.project))
    documents = [access_views.token_document(row) for row in rows]
    if out.as_json:
        out.document(documents)
    else:
        out.lines(access_views.token_table(documents, width=out.width))


def _revoke(out: Output, options: Options) -> None:
    token = tokens.revoke_token(caller=callers.operator(name=whoever()), token_id=_number(options.id))
    document = access_views.token_document(token)
    if out.as_json:
        out.document(document)
    else:
        out.line(f"✅ Token revoked: {token.pk} ({token.name})")


def _number(given: str) -> int:
    if given.isascii() and given.isdigit() and len(given) <= 18:
        return int(given)
    raise NotFound(kind="token", given=given, listing="manage.py token list")


def _takes_token(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", type=arguments.reference, help="what it is for")
    parser.add_argument(
        "--project", metavar="SLUG", type=arguments.reference, help="the project it is limited to (default)"
    )
    parser.add_argument(
        "--user", metavar="USERNAME", type=arguments.reference, help="the user it acts for; none: the project"
    )
    parser.add_argument(
        "--everywhere", action="store_true", help="it is good in every project of the user's, not in one"
    )
    parser.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default=Role.OPERATOR.value,
        help="the highest role it allows (%(default)s)",
    )
    parser.add_argument("--worker", action="store_true", help="a token for HTTP workers")
    parser.add_argument(
        "--pool", metavar="POOL", type=arguments.reference, default="", help="the pool of these workers"
    )
    parser.add_argument(
        "--expires",
        metavar="TIME",
        type=arguments.later,
        help="2027-01-31T18:00 (UTC), or a span such as 90d",
    )


def _takes_project(parser: ArgumentParser) -> None:
    parser.add_argument("--project", metavar="SLUG", type=arguments.reference, help="only those of a project")


def _takes_id(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="its number, from token list")


class Command(CommandWithVerbs):
    """API tokens on the command line."""

    help = "Create, list and revoke the API tokens of programs and workers."
    examples = ("token create deploy-script --role operator", "token list", "token revoke 3")
    verbs = (
        Subcommand(
            name="create",
            help="Create a token and print its secret, which is shown only once.",
            examples=(
                "token create deploy-script --role operator --expires 90d",
                "token create w1 --worker --project default",
            ),
            perform=_create,
            arguments=_takes_token,
        ),
        Subcommand(
            name="list",
            help="List tokens, newest first, without their secrets.",
            examples=("token list", "token list --project default --json"),
            perform=_list,
            arguments=_takes_project,
        ),
        Subcommand(
            name="revoke",
            help="Revoke a token at once.",
            examples=("token revoke 3",),
            perform=_revoke,
            arguments=_takes_id,
        ),
    )
