"""System checks of the settings that bound the engine: wrong values stop a program before it starts."""

import difflib
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own word

from cpds.base.conf import NAMES, Conf, conf

TAG: Final = "cpds"
RENEWALS_IN_A_LEASE: Final = 3
"""One renewal may fail, and one come late, without a lease running out."""

Fits = Callable[[float], bool]
BOUNDS: Final[dict[str, tuple[str, Fits]]] = {
    "lease_seconds": ("more than 0", lambda value: value > 0),
    "heartbeat_seconds": ("more than 0", lambda value: value > 0),
    "sweep_seconds": ("more than 0", lambda value: value > 0),
    "redeliver_seconds": ("more than 0", lambda value: value > 0),
    "drain_seconds": ("0 or more", lambda value: value >= 0),
    "losses_to_quarantine": ("1 or more", lambda value: value >= 1),
    "window_per_slot": ("more than 0", lambda value: value > 0),
    "window_minimum": ("1 or more", lambda value: value >= 1),
    "chain_piece": ("1 or more", lambda value: value >= 1),
    "default_timeout_seconds": ("more than 0, or None", lambda value: value > 0),
    "output_bytes": ("1 or more", lambda value: value >= 1),
    "access_seconds": ("more than 0", lambda value: value > 0),
    "refresh_seconds": ("more than 0", lambda value: value > 0),
    "body_bytes": ("1 or more", lambda value: value >= 1),
    "requests_per_minute": ("0 or more", lambda value: value >= 0),
    "worker_requests_per_minute": ("0 or more", lambda value: value >= 0),
    "logins_per_minute": ("0 or more", lambda value: value >= 0),
}
_WHOLE: Final = frozenset(
    {
        *("losses_to_quarantine", "window_minimum", "chain_piece", "output_bytes", "body_bytes"),
        *("requests_per_minute", "worker_requests_per_minute", "logins_per_minute"),
    }
)


@register(TAG)
def check_settings(**_options: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings that are numbers, and which are no settings at all."""
    found = [*_unknown(), *_out_of_bounds(conf())]
    return found if any(each.is_serious() for each in found) else [*found, *_renewed_too_late(conf())]


def _unknown() -> Iterator[CheckMessage]:
    for name in getattr(settings, "CPDS", {}):
        if name not in NAMES:
            near = difflib.get_close_matches(str(name), NAMES, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "The settings are listed in cpds/base/conf.py."
            yield Warning(f"settings.CPDS has {name!r}, which is no setting.", hint=hint, id="cpds.W001")


def _out_of_bounds(found: Conf) -> Iterator[CheckMessage]:
    for name, (wanted, fits) in BOUNDS.items():
        value = getattr(found, name)
        if value is None and name == "default_timeout_seconds":
            continue
        kinds = (int,) if name in _WHOLE else (int, float)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not is_number or not fits(value) or value == float("inf"):
            kind = "a whole number" if name in _WHOLE else "a number"
            yield Error(
                f"The setting {name} is {value!r}.", hint=f"Give it {kind}, {wanted}.", id="cpds.E001"
            )


def _renewed_too_late(found: Conf) -> Iterator[CheckMessage]:
    if found.heartbeat_seconds * RENEWALS_IN_A_LEASE > found.lease_seconds:
        yield Error(
            f"The setting heartbeat_seconds is {found.heartbeat_seconds:g} and lease_seconds is "
            f"{found.lease_seconds:g}: claims would run out while their workers live.",
            hint="Renew three times in a lease or more often: CPDS_HEARTBEAT_SECONDS at most a third "
            "of CPDS_LEASE_SECONDS.",
            id="cpds.E002",
        )
