"""What ``manage.py autoscale`` prints: the table of requirement sets, and the changes it makes."""

from collections.abc import Iterator

from rich.text import Text

from cpds.host.standalone.autoscaling import Scaled
from tasks_app.cli.text import table
from tasks_app.services.scaling.autoscale import SetWantedView, WantedView

HEADINGS = ("REQUIRES", "READY", "RUNNING", "SECONDS EACH", "SLOTS", "WORKERS", "")


def wanted_lines(wanted: WantedView, *, width: int) -> Iterator[Text | str]:
    """Yield the table, and the sum."""
    yield from table(HEADINGS, [_cells(each) for each in wanted.sets.values()], width=width)
    yield (
        f"{_counted(wanted.workers, 'worker')} of {_counted(wanted.slots_each, 'slot')} wanted, "
        f"so that what is ready is done in {wanted.target_seconds:g} seconds"
    )


def scaled_line(scaled: Scaled) -> str:
    """Return a change as people read it."""
    ready = sum(each.ready for each in scaled.wanted.sets.values())
    running = sum(each.running for each in scaled.wanted.sets.values())
    return f"{scaled.before} → {_counted(scaled.workers, 'worker')}: {ready} ready, {running} running"


def _cells(each: SetWantedView) -> tuple[str, ...]:
    return (
        " ".join(each.capabilities) or "nothing",
        str(each.ready),
        str(each.running),
        "?" if each.seconds is None else f"{each.seconds:.1f}",
        str(each.slots),
        str(each.workers),
        "limited" if each.is_limited else "",
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
