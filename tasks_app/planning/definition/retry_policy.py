"""A stored ``retry``, read back. Apart from ``retry_spec``, whose library is heavy to import."""

from tasks_app.planning.engine.retrying import RetryPolicy
from tasks_app.planning.values.stored_spec import StoredSpec


def retry_policy(spec: StoredSpec) -> RetryPolicy | None:
    """Return how a task of this stored ``spec`` is tried again; None: not at all."""
    if "retry" not in spec:
        return None
    from tasks_app.planning.definition.retry_spec import RetrySpec

    return RetrySpec.model_validate(spec["retry"])
