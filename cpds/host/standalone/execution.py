"""What ``--execute`` asks for: a workflow read, checked and stored, ready to be submitted."""

from dataclasses import dataclass
from typing import Any

from cpds.host.standalone.options import Options
from tasks_app.cli.files import ParamsFile, read_source
from tasks_app.errors import InvalidParams


@dataclass(frozen=True, kw_only=True)
class Files:
    """What was read before anything started."""

    source: bytes
    params: ParamsFile | None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A stored workflow and checked parameters."""

    workflow: str
    params: dict[str, Any]


def read_files(options: Options) -> Files | None:
    """Read what the command line names; None without ``--execute``.

    :raises UnusableInput: when a file cannot be read.
    :raises InvalidParamsFile: when the parameters are no mapping.
    """
    if options.execute is None:
        return None
    params = ParamsFile(options.params_file) if options.params_file else None
    return Files(source=read_source(options.execute), params=params)


def prepare(files: Files, *, pairs: list[str]) -> Prepared:
    """Store the workflow and read its parameters.

    :raises InvalidWorkflow: when it has problems; nothing is stored then.
    :raises InvalidParams: when the parameters do not fit it.
    """
    from tasks_app.services.lookup.by_name import find_workflow
    from tasks_app.services.workflows.definitions import (
        complete_params,
        latest_spec,
        read_params,
        upload_workflow,
    )

    workflow = upload_workflow(source=files.source).workflow_id
    typed = read_params(workflow=workflow, pairs=pairs)
    params = {**(files.params.values if files.params else {}), **typed}
    try:
        # Said now, rather than once everything has been started in order to refuse it.
        complete_params(spec=latest_spec(find_workflow(given=workflow)), given=params)
    except InvalidParams as error:
        raise (files.params.placed(error, besides=typed) if files.params else error) from None
    return Prepared(workflow=workflow, params=params)


def submit(prepared: Prepared) -> str:
    """Start an instance and return its id.

    :raises InvalidParams: when the parameters do not fit the workflow.
    """
    from tasks_app.services.submit.instances import submit_instance

    return submit_instance(workflow=prepared.workflow, params=prepared.params)
