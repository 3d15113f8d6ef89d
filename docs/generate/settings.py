"""The settings and the variables of the environment."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

from config.settings.variables import VARIABLES
from cpds.base.conf import Conf
from docs.generate.tables import table
from tasks_app.checks import BOUNDS

_FROM_FILE = " †"


def settings_table() -> str:
    """Return every setting of ``cpds/base/conf.py``."""
    return table(["Setting", "Variable", "Default", "Unit", "Meaning"], map(_setting_row, fields(Conf)))


def variables_table() -> str:
    """Return the variables that set none of them."""
    rows = (
        [
            f"`{each.name}`{_FROM_FILE if each.is_text else ''}",
            each.shown_default or _shown(each.default),
            each.unit,
            each.meaning,
        ]
        for each in VARIABLES.values()
    )
    return table(["Variable", "Default", "Unit", "Meaning"], rows)


def variable_names() -> Iterator[str]:
    """Yield the name of every variable, those that name a file instead included."""
    for each in fields(Conf):
        if each.metadata["env"]:
            yield each.metadata["env"]
            if _is_text(each):
                yield f"{each.metadata['env']}_FILE"
    for variable in VARIABLES.values():
        yield variable.name
        if variable.is_text:
            yield f"{variable.name}_FILE"


def _setting_row(each: Field[Any]) -> list[str]:
    variable = f"`{each.metadata['env']}`" if each.metadata["env"] else ""
    mark = _FROM_FILE if variable and _is_text(each) else ""
    default = each.default if each.default is not MISSING else ""
    bounds = BOUNDS[each.name][0] if each.name in BOUNDS else ""
    unit = ", ".join(filter(None, [_unit(each), bounds]))
    return [f"`{each.name}`", variable + mark, _shown(default), unit, each.metadata["meaning"]]


def _is_text(each: Field[Any]) -> bool:
    """Return whether ``environment.text`` reads it: the state directory is read before all others."""
    return each.name != "state_dir" and each.type not in (float, int, bool, list[str])


def _unit(each: Field[Any]) -> str:
    if each.metadata["unit"]:
        return str(each.metadata["unit"])
    if not each.metadata["env"]:
        return ""
    written: dict[object, str] = {list[str]: "commas", list[Any]: "JSON", dict[str, int]: "JSON"}
    return written.get(each.type, "")


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if default in ("", None):
        return "none"
    return f"`{default}`" if isinstance(default, str) else str(default).removesuffix(".0")
