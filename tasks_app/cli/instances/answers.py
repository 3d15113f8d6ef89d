"""``manage.py instance approve|reject``: answer what waits for a person."""

import json
from argparse import ArgumentParser
from typing import Any, Final

from tasks_app.cli import arguments
from tasks_app.cli.command import Options, Subcommand
from tasks_app.cli.errors import WrongUsage
from tasks_app.cli.output import Output
from tasks_app.cli.who import takes_by, takes_reason
from tasks_app.services.gates import approvals


def _approve(out: Output, options: Options) -> None:
    answered = approvals.approve(
        given=options.id,
        task=options.task,
        by=options.by,
        comment=options.comment,
        values=_values(options.value),
        groups=options.group,
    )
    _show(out, answered, "approved")


def _reject(out: Output, options: Options) -> None:
    answered = approvals.reject(
        given=options.id, task=options.task, by=options.by, comment=options.comment, groups=options.group
    )
    _show(out, answered, "rejected")


def _show(out: Output, answered: approvals.Answered, word: str) -> None:
    if out.as_json:
        out.document(
            {
                "instance_id": answered.instance,
                "task": answered.task,
                "state": answered.state,
                "changed": answered.changed,
            }
        )
    else:
        already = "" if answered.changed else " already"
        out.line(f"✅ Task{already} {word}: {answered.task} of {answered.instance}")


def _values(pairs: list[str]) -> dict[str, Any] | None:
    """Return the form's values: JSON where a text reads as JSON, else the text."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise WrongUsage(message=f"--value expects NAME=VALUE, found {pair!r}")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values or None


def _takes_answer(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", type=arguments.reference, help="an instance, or its beginning")
    parser.add_argument(
        "--task",
        metavar="TASK",
        type=arguments.reference,
        default="",
        help="the task that asks; may be left out when only one does",
    )
    takes_reason(parser, option="--comment")
    takes_by(parser, help="who answers")
    parser.add_argument(
        "--group",
        metavar="NAME",
        action="append",
        default=[],
        type=arguments.reference,
        help="a group the answerer belongs to; give it again for others",
    )


def _takes_approval(parser: ArgumentParser) -> None:
    _takes_answer(parser)
    parser.add_argument(
        "--value",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=arguments.reference,
        help="a value that the form asks for; give it again for others",
    )


VERBS: Final = (
    Subcommand(
        name="approve",
        help="Approve a task that waits for approval.",
        examples=("instance approve inst-3f8 --task release --comment 'looks good' --value version=1.2",),
        perform=_approve,
        arguments=_takes_approval,
    ),
    Subcommand(
        name="reject",
        help="Reject a task that waits for approval, which fails it.",
        examples=("instance reject inst-3f8 --task release --comment 'not before Monday'",),
        perform=_reject,
        arguments=_takes_answer,
    ),
)
