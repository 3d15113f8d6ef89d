"""What of an instance may be shown: its secret parameters may not."""

from typing import Any

from tasks_app.models import Instance
from tasks_app.planning.inputs.secrets import secret_names, shown_params, shown_value


def params_of(instance: Instance) -> dict[str, Any]:
    """Return the parameters, the secret ones hidden."""
    return shown_params(instance.params, secret_names(instance.definition))


def shown(instance: Instance, value: Any) -> Any:
    """Return what a task came to, with the instance's secrets in it hidden."""
    names = secret_names(instance.definition)
    return shown_value(value, params=instance.params, secrets=names)
