"""The marked blocks of the pages."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.generate import commands, limits, settings
from tests.benchmarks.__main__ import parser as benchmark_parser
from tests.chaos.__main__ import parser as chaos_parser
from workers_app.sdk.cli.options import parser as sdk_parser

DOCS = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

BLOCKS: Mapping[str, Callable[[], str]] = {
    "settings": settings.settings_table,
    "variables": settings.variables_table,
    "command summary": commands.summary_table,
    "commands": commands.commands_text,
    "exit codes": commands.exit_codes_table,
    "worker options": commands.worker_options_table,
    "http worker options": lambda: commands.options_table(sdk_parser()),
    "benchmark options": lambda: commands.options_table(benchmark_parser()),
    "chaos options": lambda: commands.options_table(chaos_parser()),
    **limits.TABLES,
}


def generated(text: str) -> str:
    """Return a page with its marked blocks written anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found['name']]()}\n\n{found[3]}", text)


def marked(text: str) -> list[str]:
    """Return the names of a page's blocks."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def pages() -> Iterator[Path]:
    """Yield the pages that have such blocks."""
    return (page for page in sorted(DOCS.glob("*.md")) if marked(page.read_text(encoding="utf-8")))
