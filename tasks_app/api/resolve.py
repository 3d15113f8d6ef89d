"""What the endpoints of one workflow, or of one instance, have in common."""

from tasks_app.api.base import Endpoint
from tasks_app.models import Instance, Workflow
from tasks_app.services.lookup.by_name import find_instance, find_workflow


class WorkflowEndpoint(Endpoint):
    """An endpoint whose address names a workflow: by its id, the start of it, or its name."""

    def workflow(self, given: str) -> Workflow:
        """Return the workflow, in which the caller has the role that the method needs.

        :raises NotFound: when there is none for the caller.
        :raises Forbidden: when the caller's role is less.
        """
        found = find_workflow(given=given, projects=self.projects())
        self.require(found.project_id, kind="workflow", given=given)
        return found


class InstanceEndpoint(Endpoint):
    """An endpoint whose address names an instance: by its id, or the start of it."""

    def instance(self, given: str) -> Instance:
        """Return the instance, in which the caller has the role that the method needs.

        :raises NotFound: when there is none for the caller.
        :raises Forbidden: when the caller's role is less.
        """
        found = find_instance(given=given, projects=self.projects())
        self.require(found.project_id, kind="instance", given=given)
        return found
