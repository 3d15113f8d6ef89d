"""What ``--execute`` asks for: a workflow read, checked and stored, ready to be submitted."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cpds.standalone.errors import UnreadableFile
from cpds.standalone.options import Options

READ_AT_MOST_BYTES = 2 * 1024 * 1024
"""More than any workflow may have, so that one which is too large is read far enough to be told so."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """What was read before anything started."""

    source: bytes
    params: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A stored workflow and checked parameters."""

    workflow: str
    params: dict[str, Any]


def read_files(options: Options) -> Files | None:
    """Read what the command line names; None without ``--execute``.

    :raises UnreadableFile: when a file cannot be read, or the parameters are no mapping.
    """
    if options.execute is None:
        return None
    params = _mapping(options.params_file) if options.params_file else {}
    return Files(source=_bytes(options.execute, purpose="a workflow"), params=params)


def _bytes(name: str, *, purpose: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(READ_AT_MOST_BYTES)
        with Path(name).open("rb") as file:
            return file.read(READ_AT_MOST_BYTES)
    except OSError as error:
        raise UnreadableFile(file=name, purpose=purpose, why=error.strerror or error) from error


def _mapping(name: str) -> dict[str, Any]:
    purpose = "parameters"
    try:
        found = yaml.safe_load(_bytes(name, purpose=purpose))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableFile(file=name, purpose=purpose, why=" ".join(str(error).split())) from error
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise UnreadableFile(file=name, purpose=purpose, why="it is not a mapping of names to values")
    return found


def prepare(files: Files, *, pairs: list[str]) -> Prepared:
    """Store the workflow and read its parameters.

    :raises InvalidWorkflow: when it has problems; nothing is stored then.
    :raises InvalidParams: when the parameters do not fit it.
    """
    from tasks_app.services.definitions import complete_params, latest_spec, read_params, upload_workflow
    from tasks_app.services.lookup import find_workflow

    workflow = upload_workflow(source=files.source).workflow_id
    params = {**files.params, **read_params(workflow=workflow, pairs=pairs)}
    # Said now, rather than once everything has been started in order to refuse it.
    complete_params(spec=latest_spec(workflow=find_workflow(given=workflow)), given=params)
    return Prepared(workflow=workflow, params=params)


def submit(prepared: Prepared) -> str:
    """Start an instance and return its id.

    :raises InvalidParams: when the parameters do not fit the workflow.
    """
    from tasks_app.services.instances import submit_instance

    return submit_instance(workflow=prepared.workflow, params=prepared.params)
