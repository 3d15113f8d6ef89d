"""What a workflow says about when it starts by itself."""

from functools import cache
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from tasks_app.planning.definition.spec_types import AlsoAs, Spec
from tasks_app.planning.schedules.cron import LONGEST_CRON, parse_cron
from tasks_app.planning.source.problems import Suggestions, described

_CRON_SCHEMA: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_CRON,
    "examples": ["0 2 * * *", "0 0 2 * * *", "@hourly"],
}

Overlap = Literal["skip", "queue", "cancel_running", "allow"]
Catchup = Literal["none", "latest", "all"]


def _cron(text: str) -> str:
    return parse_cron(text).text


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    if name in _timezones():
        return name
    hint = Suggestions(_timezones()).for_(name)
    expected = "expected a time zone such as Europe/Berlin or UTC"
    raise ValueError(f"{expected}, found {described(name)}" + (f"; {hint}" if hint else ""))


class ScheduleSpec(Spec):
    """When instances of a workflow start, and what happens when one is late or still runs."""

    model_config = ConfigDict(title="Schedule")

    cron: Annotated[str, AfterValidator(_cron), WithJsonSchema(_CRON_SCHEMA)] = Field(
        description="Five fields, six with seconds first, or @hourly and friends."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="UTC", description="The time zone the fields are read in, by its IANA name."
    )
    overlap: Overlap = Field(
        default="skip", description="What happens when it is time and an instance still runs."
    )
    catchup: Catchup = Field(
        default="latest", description="Which of the starts missed while everything was down are made up for."
    )
    paused: bool = Field(default=False, description="Start nothing until it is resumed.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="The parameters of the instances it starts."
    )


def _read_schedule(value: Any) -> Any:
    return {"cron": value} if isinstance(value, str) else value


Schedule = Annotated[ScheduleSpec | None, BeforeValidator(_read_schedule), AlsoAs(_CRON_SCHEMA)]
"""A ``ScheduleSpec``; a plain text is its cron expression."""
