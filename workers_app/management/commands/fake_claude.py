"""``manage.py fake_claude``: the rehearsal server, for demos without a key and for tests."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers_app.agents.rehearsal.script import Script, ScriptInvalid, load_script
from workers_app.agents.rehearsal.serve import NotLoopback, serve
from workers_app.agents.rehearsal.server import Rehearsal


class Command(BaseCommand):
    help = "Speak Claude's Messages API on this machine, with answers made up on the spot."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address (%(default)s)")
        parser.add_argument("--port", type=int, default=0, help="its port; 0 takes a free one")
        parser.add_argument("--script", type=Path, help="a YAML or JSON file of rules to follow")
        parser.add_argument(
            "--latency",
            type=float,
            default=1.0,
            help="factor of the time that answers take; 0: none (%(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print the URL as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["latency"] < 0:
            raise CommandError("--latency must not be negative.", returncode=2)
        try:
            script = load_script(options["script"]) if options["script"] else Script()
            app = Rehearsal(script=script, latency=options["latency"])
            serve(
                app, host=options["host"], port=options["port"], ready=self._announce(as_json=options["json"])
            )
        except (ScriptInvalid, NotLoopback, OSError) as error:
            raise CommandError(str(error), returncode=2) from error

    def _announce(self, *, as_json: bool) -> Any:
        def announce(url: str) -> None:
            self.stdout.write(
                json.dumps({"url": url, "simulated": True}) if as_json else f"Rehearsing at {url}"
            )
            self.stdout.flush()

        return announce
