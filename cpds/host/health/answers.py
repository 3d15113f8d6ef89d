"""What the open health checks answer. Their keys are all there are: others would tell strangers more."""

from typing import Annotated, Final

from msgspec import Meta

from cpds.base.view import Time, View, one_of

Answers = Annotated[str, one_of(("connected", "disconnected"))]
Health = Annotated[str, one_of(("healthy", "unhealthy"))]
AWAY: Final = "The database or the broker does not answer."


class Closed(View, forbid_unknown_fields=True):
    """An answer without any other key."""


class AliveView(Closed):
    """The process answers."""

    status: Annotated[str, one_of(("alive",))]


class ReadyView(Closed):
    """Whether requests can be served."""

    status: Annotated[str, one_of(("ready", "unready"))]
    database: Answers


class ModeView(Closed):
    """In which mode the installation runs."""

    status: Annotated[str, one_of(("healthy",))]
    mode: Annotated[str, one_of(("standalone", "cloud"))]


class CheckedView(Closed):
    """Whether what was asked is well."""

    status: str
    success: bool
    code: Annotated[int, Meta(extra_json_schema={"enum": [0, 503]})]
    message: str


class ServerView(CheckedView):
    """Whether one server answers."""

    status: Answers


class ServicesView(Closed):
    """Whether the servers answer."""

    database: Answers
    redis: Answers


class KnownView(Closed):
    """What is told of the installation."""

    status: Health
    version: str
    uptime: str
    timestamp: Time


class SystemView(CheckedView):
    """Whether the servers answer, with the keys that clients of several systems look for."""

    status: Health
    service: Annotated[str, one_of(("cpds",))]
    database: Answers
    redis: Answers
    data: KnownView


class AppView(CheckedView):
    """Whether the servers answer."""

    status: Health
    app: str
    version: str
    services: ServicesView
    database: Answers
    redis: Answers
