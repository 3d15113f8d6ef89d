"""What is answered about events: by ``manage.py instance logs --json``, and by the API."""

from cpds.base.view import JSONObject, Moment, Time, View


class LoggedEventView(View):
    """Something that happened in one instance, as the commands print it."""

    id: int
    kind: str
    task: str | None
    attempt: int | None
    worker: str | None
    message: str
    data: JSONObject
    happened_at: Moment


class EventView(View):
    """Something that happened."""

    id: int
    kind: str
    instance_id: str
    task: str | None
    attempt: int | None
    worker: str | None
    message: str
    data: JSONObject
    happened_at: Time


class LogLineView(View):
    """A line of an instance's log."""

    id: int
    happened_at: Time
    task: str | None
    line: str
