"""CPDS from a Python program: what the commands do, as calls.

The program needs Django set up (``django.setup()``) and the installation's
database; workers elsewhere do the work.
"""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from cpds.base import clock
from cpds.base.view import plain
from tasks_app.errors import StillRunning
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.output.yaml_writing import to_yaml
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.services import queries
from tasks_app.services.control import cancelling
from tasks_app.services.control import instances as control
from tasks_app.services.submit import instances
from tasks_app.services.workflows import definitions

LOOK_SECONDS: Final = 0.2
"""How often a wait looks at the database."""


class Engine:
    """Starts workflows, controls instances, and tells how they stand.

    ``by`` is who acts, for the ledger. Ids may be shortened while they are
    unambiguous.
    """

    def __init__(self, by: str = "") -> None:
        self._by = by

    def execute_workflow(self, workflow: WorkflowSpec | str, params: Mapping[str, JSON] | None = None) -> str:
        """Start an instance and return its id.

        ``workflow`` is an id or a name, or a definition, which becomes the next
        version of its name if it differs from the newest.

        :raises NotFound: when there is no such workflow.
        :raises InvalidWorkflow: when the definition is not valid.
        :raises InvalidParams: when the parameters do not fit; nothing is started.
        """
        if isinstance(workflow, WorkflowSpec):
            workflow = definitions.upload_workflow(source=to_yaml(workflow).encode()).workflow_id
        return instances.submit_instance(workflow=workflow, params=params)

    def pause_instance(
        self, instance_id: str, *, reason: str = "", now: bool = False, until: datetime | None = None
    ) -> str:
        """Start nothing new in an instance; see ``services.control.pause_instance``."""
        return control.pause_instance(given=instance_id, by=self._by, reason=reason, now=now, until=until)

    def resume_instance(self, instance_id: str, *, reason: str = "") -> str:
        """Let a paused instance go on."""
        return control.resume_instance(given=instance_id, by=self._by, reason=reason)

    def cancel_instance(
        self, instance_id: str, *, reason: str = "", drain: bool = False, compensate: bool = False
    ) -> str:
        """End an instance; see ``services.control.cancelling.cancel_instance``."""
        return cancelling.cancel_instance(
            given=instance_id, by=self._by, reason=reason, drain=drain, compensate=compensate
        )

    def retry_instance(self, instance_id: str, *, reason: str = "") -> str:
        """Go on with a failed or cancelled instance from what did not complete."""
        return control.retry_instance(given=instance_id, by=self._by, reason=reason)

    def get_instance(self, instance_id: str) -> dict[str, JSON]:
        """Return how an instance stands with all its tasks, as ``instance status --json`` prints it."""
        return cast("dict[str, JSON]", plain(queries.instance_status(given=instance_id)))

    def get_workflow_history(
        self, workflow: str, *, limit: int = 20, offset: int = 0
    ) -> list[dict[str, JSON]]:
        """Return instances of a workflow, newest first, without the first ``offset``."""
        rows = queries.list_instances(workflow=workflow, limit=limit, offset=offset)
        return cast("list[dict[str, JSON]]", plain(rows))

    def wait_for_instance(self, instance_id: str, *, timeout: float | None = None) -> dict[str, JSON]:
        """Wait until an instance has ended; return how it stands then.

        :raises StillRunning: when ``timeout`` seconds are over first; the instance goes on.
        """
        rest = threading.Event()
        give_up_at = None if timeout is None else clock.monotonic() + timeout
        while not queries.is_final(given=instance_id):
            if give_up_at is not None and clock.monotonic() >= give_up_at:
                raise StillRunning(instance=instance_id, seconds=timeout)
            rest.wait(LOOK_SECONDS)
        return self.get_instance(instance_id)
