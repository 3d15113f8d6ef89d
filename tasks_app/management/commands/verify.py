"""``manage.py verify``: prove from the ledger that nothing happened that must not."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from tasks_app.cli import arguments
from tasks_app.cli.command import CliCommand, Options
from tasks_app.cli.exit_codes import ExitCode
from tasks_app.cli.output import Output
from tasks_app.cli.text import plain
from tasks_app.planning.engine.history import Violation
from tasks_app.services.explain.verify import Verdict, verify_instances


class Command(CliCommand):
    """Check the history of instances."""

    help = "Check the history of instances: exit 0 when it is sound, 1 when not."
    examples = ("verify", "verify inst-3f8 inst-9kc --json")

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        super().add_arguments(parser)
        parser.add_argument(
            "instances",
            metavar="INSTANCE",
            nargs="*",
            type=arguments.reference,
            help="ids or their beginnings; all instances when none is named",
        )

    def perform(self, out: Output, options: Options) -> ExitCode | None:
        """Check them; tell every violation as it is found."""
        count = {"instances": 0, "tasks": 0, "events": 0, "violations": 0}
        found: list[dict[str, Any]] = []
        for verdict in verify_instances(options.instances):
            count["instances"] += 1
            count["tasks"] += verdict.tasks
            count["events"] += verdict.events
            count["violations"] += len(verdict.violations)
            if out.as_json:
                found += [{"instance": verdict.instance, **asdict(each)} for each in verdict.violations]
            else:
                for each in verdict.violations:
                    out.line(f"❌ {_line(verdict, each)}")
        if out.as_json:
            out.document({"sound": not count["violations"], **count, "found": found})
        else:
            out.line(_summary(count))
        return ExitCode.FAILED if count["violations"] else None


def _line(verdict: Verdict, violation: Violation) -> str:
    task = f"/{plain(violation.task)}" if violation.task is not None else ""
    event = f" (event {violation.event})" if violation.event is not None else ""
    return f"{verdict.instance}{task}: {violation.rule}: {plain(violation.sentence)}{event}"


def _summary(count: dict[str, int]) -> str:
    seen = ", ".join(f"{count[each]:,} {each}" for each in ("instances", "tasks", "events"))
    if not count["violations"]:
        return f"✅ Sound: {seen}"
    return f"❌ {count['violations']:,} violations in {seen}"
