"""Draw docs/standalone.svg: the terminal of a real, rehearsed ``make run``, when most ran and at its end."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "docs" / "standalone.svg"
SHOWN_AT = "/srv/cpds"
"""Where the picture says that the clone lies."""
WIDTH, HEIGHT = 104, 60
END_LINES = 7

_PIECE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+")
_OF_THE_READER = ("CPDS_", "ANTHROPIC_", "DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "NO_COLOR")
# The fonts of rich's own frame come from a server; what is shown here asks nobody.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Screen:
    """What a terminal shows of the sequences that rich's live view writes."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = 0

    def write(self, text: str) -> None:
        """Follow what a program wrote."""
        for piece in _PIECE.findall(text):
            if piece == "\n":
                self._row += 1
                if self._row == len(self._lines):
                    self._lines.append("")
            elif piece == "\x1b[2K":
                self._lines[self._row] = ""
            elif piece.startswith("\x1b[") and piece.endswith("A"):
                self._row = max(0, self._row - int(piece[2:-1] or 1))
            elif piece.endswith("m") or not piece.startswith(("\x1b", "\r")):
                self._lines[self._row] += piece

    def text(self) -> str:
        """Return the lines, with the sequences for colours."""
        return "\n".join(self._lines).rstrip()


def main() -> int:
    """Run the example and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        shown = _moments(Path(folder).resolve())
    shown = shown.replace(sys.prefix, f"{SHOWN_AT}/.venv").replace(str(ROOT), SHOWN_AT)
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(Text.from_ansi(f"$ make run\n{shown}"))
    svg = console.export_svg(title="make run", theme=DIMMED_MONOKAI, unique_id="run")
    PICTURE.write_text(_FONTS.sub("", svg), encoding="utf-8")
    return 0


def _moments(folder: Path) -> str:
    state = folder / "var"
    running, terminal = _start(state)
    screen, busiest, most = Screen(), "", 0
    while written := _read(terminal):
        screen.write(written.decode("utf-8", "replace"))
        if (tasks := screen.text().count("▸")) > most:
            busiest, most = screen.text(), tasks
    if running.wait():
        raise SystemExit("The run that was to be drawn has failed.")
    end = screen.text().splitlines()[-END_LINES:]
    shown = "\n".join([busiest, "⋮", *end]).replace(str(state), f"{SHOWN_AT}/var")
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8848", shown)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux tells that the other side is closed
        return b""


def _start(state: Path) -> tuple["subprocess.Popen[bytes]", int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environment = {name: text for name, text in os.environ.items() if not name.startswith(_OF_THE_READER)}
    running = subprocess.Popen(
        [
            *(sys.executable, "manage.py", "standalone", "--auto-shutdown", "--port", "0"),
            *("--state-dir", str(state)),
            *("--execute", "config/workflows/feature-delivery.yaml"),
            *("--params-file", "config/workflows/feature.example.yaml"),
        ],
        cwd=ROOT,
        env={**environment, "TERM": "xterm-256color"},
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs)
    return running, ours


if __name__ == "__main__":
    sys.exit(main())
