"""Start an instance, wait for it, show it: what ``workflow execute`` and ``instance wait`` share."""

from collections.abc import Sequence

from cpds.base import clock
from cpds.base.view import View
from tasks_app.cli.exit_codes import ExitCode, exit_code_of_end
from tasks_app.cli.files import ParamsFile
from tasks_app.cli.instances.views import status_lines
from tasks_app.cli.instances.wait import wait_for_end
from tasks_app.cli.output import Output
from tasks_app.cli.who import whoever
from tasks_app.errors import InvalidParams
from tasks_app.services import queries
from tasks_app.services.submit import instances
from tasks_app.services.workflows import definitions


class SubmittedView(View):
    """An instance that was started, and of what."""

    id: str
    workflow_id: str
    workflow_name: str


def start(*, workflow: str, pairs: Sequence[str], params_file: str | None) -> SubmittedView:
    """Start an instance of a workflow and return its ids.

    ``pairs`` are ``K=V`` texts, which go before what the file of parameters says.

    :raises NotFound: when there is no such workflow.
    :raises UnusableInput: when the file cannot be read.
    :raises InvalidParamsFile: when it is not a mapping of names to values.
    :raises InvalidParams: when the parameters do not fit; nothing is started.
    """
    found = queries.workflow_summary(given=workflow)
    file = ParamsFile(params_file) if params_file is not None else None
    typed = definitions.read_params(workflow=found.id, pairs=pairs)
    try:
        params = {**(file.values if file else {}), **typed}
        instance = instances.submit_instance(workflow=found.id, params=params, by=whoever())
    except InvalidParams as error:
        raise (file.placed(error, besides=typed) if file else error) from None
    return SubmittedView(id=instance, workflow_id=found.id, workflow_name=found.name)


def show_status(out: Output, *, given: str) -> None:
    """Show the state of an instance with all its tasks.

    :raises NotFound: when there is no such instance.
    """
    status = queries.instance_status(given=given)
    if out.as_json:
        out.document(status)
    else:
        out.lines(status_lines(status, now=clock.now(), width=out.width))


def wait_and_show(out: Output, *, instance: str, timeout_seconds: float | None) -> ExitCode:
    """Show an instance once it has ended, and return the exit code that reports how.

    ``instance`` is a whole id.

    :raises WaitTimedOut: when it has not ended after ``timeout_seconds``.
    :raises WaitInterrupted: on Ctrl-C.
    """
    end = wait_for_end(out, instance=instance, timeout_seconds=timeout_seconds)
    show_status(out, given=instance)
    return exit_code_of_end(end.status)
