"""The situations the fleet foresees."""

from http import HTTPStatus

from cpds.base.errors import CPDSError


class UnknownService(CPDSError):
    """A function asked for a service that the settings do not name."""

    code = "unknown_service"
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = "No service is called {name!r}. Name it in settings.CPDS['services']; known: {known}."


class FieldsMissing(CPDSError):
    """A worker left out what is needed; ``flaws`` names each. ``/api`` says it in its own words."""

    code = "fields_missing"
    http_status = HTTPStatus.BAD_REQUEST
    sentence = "{what}"


class NameTaken(CPDSError):
    """Another worker lives under this name: start this one with another ``-n``, or stop the other first."""

    code = "name_taken"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Another worker is called {name}: process {pid} on {host}, heard of {seconds:.0f} seconds ago. "
        "Start this one under a name of its own with -n, or stop that one first."
    )


class DuplicateFunction(CPDSError):
    """Two functions were registered under one name: rename one."""

    code = "duplicate_function"
    sentence = "The task function {name!r} is registered twice: in {first} and in {second}. Rename one."


class MismatchedSignature(CPDSError):
    """A task function takes parameters that CPDS cannot fill."""

    code = "mismatched_signature"
    sentence = (
        "The task function {name!r} takes {found}; expected one parameter named ctx, or keyword parameters."
    )


class NotContinuous(CPDSError):
    """A function emits items, and its task is none that streams."""

    code = "not_continuous"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Task {task!r} hands on nothing while it runs: add mode: continuous to it, or return the result."
    )


class StreamEnded(CPDSError):
    """The stream is to end or to be given back; the item was not taken: return, and nothing is lost."""

    code = "stream_ended"
    http_status = HTTPStatus.CONFLICT
    sentence = "The stream {task!r} takes no more items: {reason}."


class UnusableListener(CPDSError):
    """A listener named in the settings cannot be used: correct its entry, as the sentence says."""

    code = "unusable_listener"
    sentence = "{entry} in CPDS['listeners'] cannot be used: {why}."


class DeliveryFailed(CPDSError):
    """A listener could not pass on what it heard; it is tried again later.

    ``retry_after_seconds`` is the other side's own wish, None without one.
    """

    code = "delivery_failed"
    retryable = True
    sentence = "{why}."


class NotAskable(CPDSError):
    """A worker cannot be asked to stop: it is offline, or stops only where it was started."""

    code = "worker_not_askable"
    http_status = HTTPStatus.CONFLICT
    sentence = "Worker {name} cannot be asked to stop: {why}. Its state: manage.py worker show {name}."


class WorkerIdTaken(CPDSError):
    """A worker of another project or pool is called so: register this one under another id."""

    code = "worker_id_taken"
    http_status = HTTPStatus.CONFLICT
    sentence = "Another worker is called {given!r}. Register this one under an id or a name of its own."


class SlotsTaken(CPDSError):
    """The worker holds as many tasks as it said it runs at once: end one, then ask again."""

    code = "slots_taken"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Worker {worker} holds as many tasks as it has slots: {slots}. Complete, fail or release one of them "
        "first, or register with more slots."
    )


class WorkerDraining(CPDSError):
    """The worker takes nothing new: let it end what it holds, or undrain it."""

    code = "worker_draining"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Worker {worker} takes nothing new: it drains or stops. What it holds it may end; to let it take "
        "tasks again: manage.py worker undrain {worker}"
    )


class UnusableWorkerId(CPDSError):
    """A worker cannot be called so: choose an id of letters, digits and ``._:-``."""

    code = "unusable_worker_id"
    http_status = HTTPStatus.BAD_REQUEST
    sentence = (
        "{given!r} cannot be the id of a worker: expected 1 to 100 of A-Z, a-z, 0-9 and . _ : - "
        "(not first), without @."
    )
