"""What a task says about trying again."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from tasks_app.planning.definition.spec_types import AlsoAs, Duration, RetryWord, Spec, Within
from tasks_app.planning.values.durations import format_duration

MAX_RETRIES: Final = 100

Backoff = Literal["fixed", "linear", "exponential"]


class RetrySpec(Spec):
    """How often a failed task is tried again, and after how long."""

    model_config = ConfigDict(title="Retry")

    count: Annotated[int, Within(0, MAX_RETRIES)] = Field(description="Retries after the first try.")
    interval: Duration = Field(default=5.0, description="The wait before the first retry, in seconds.")
    backoff: Backoff = Field(default="exponential", description="How the wait grows from retry to retry.")
    max_interval: Duration = Field(default=300.0, description="The longest wait, in seconds.")
    jitter: bool = Field(default=True, description="Vary each wait, so that retries do not come in crowds.")
    on: Annotated[tuple[RetryWord, ...], Field(strict=False)] = Field(
        default=(), description="The kinds of error to retry; every kind that can get better when left out."
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "RetrySpec":
        if self.interval > self.max_interval:
            interval = format_duration(self.interval, precise=True)
            longest = format_duration(self.max_interval, precise=True)
            raise ValueError(f"the interval {interval} is longer than max_interval {longest}")
        return self


def _read_retry(value: Any) -> Any:
    return {"count": value} if isinstance(value, int) and not isinstance(value, bool) else value


Retry = Annotated[
    RetrySpec | None,
    BeforeValidator(_read_retry),
    AlsoAs({"type": "integer", "minimum": 0, "maximum": MAX_RETRIES}),
]
"""A ``RetrySpec``; a plain whole number is its count."""
