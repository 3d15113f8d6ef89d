"""The pages of the documentation, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.sources import ROOT

DOCS = ROOT / "docs"
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
PAGES = [README, CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
API, ARCHITECTURE, BENCHMARKS = DOCS / "api.md", DOCS / "architecture.md", DOCS / "benchmarks.md"
DEPLOY, FLEET, WORKFLOWS = DOCS / "deploy.md", DOCS / "fleet.md", DOCS / "workflows.md"
REHEARSAL = DOCS / "rehearsal.md"

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(*languages: str, pages: list[Path] = PAGES) -> list[Block]:
    """Return the blocks in these languages."""
    return [
        Block(page=page, line=text.count("\n", 0, found.start()) + 1, **found.groupdict())
        for page in pages
        for text in [page.read_text(encoding="utf-8")]
        for found in _BLOCK.finditer(text)
        if found["language"] in languages
    ]


def prose(page: Path) -> str:
    """Return a page without its blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def code_spans(page: Path) -> list[str]:
    """Return what stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def section(page: Path, heading: str) -> str:
    """Return what stands under a heading, up to the next of its rank."""
    text = page.read_text(encoding="utf-8")
    rank = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)[1]
    start = text.index(f"\n{rank} {heading}\n") + len(f"\n{rank} {heading}\n")
    end = re.search(rf"^#{{1,{len(rank)}}} ", text[start:], re.MULTILINE)
    return text[start:][: end.start()] if end else text[start:]


def rows(text: str) -> list[list[str]]:
    """Return the rows of the tables in a text, without their heads."""
    found = []
    for line in text.splitlines():
        if line.startswith("| ---"):
            found = found[:-1]
        elif line.startswith("|"):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def named(cell: str) -> list[str]:
    """Return what stands between backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def console_commands(block: Block) -> list[str]:
    """Return the command lines of a block: all of a shell's, those after ``$`` of a console's."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in lines if line.strip() and not line.startswith("#")]
