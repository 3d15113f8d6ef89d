"""What the endpoints of contracts take: the keys of the documented model, ``featureId`` and so on."""

from typing import Any, Final

from rest_framework import serializers

from cpds.api.requests.forms import Form, ProjectForm
from tasks_app.planning.inputs.contract_spec import PARTS
from tasks_app.states import ContractState

STATES: Final = [state.value for state in ContractState]
LONGEST: Final = 200
INT_MAX: Final = 2**31 - 1
_OTHER_NAMES: Final = {
    "feature_id": "featureId",
    "feature_name": "featureName",
    "project": "projectId",
    "created_by": "createdBy",
}


class ContractForm(Form):
    """Keys may be written ``featureId`` or ``feature_id``, ``projectId`` or ``project``."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values, under the documented names."""
        if isinstance(data, dict):
            data = {_OTHER_NAMES.get(key, key): value for key, value in data.items()}
        return super().to_internal_value(data)


class NewContractForm(ContractForm):
    """The contract of a feature."""

    projectId = serializers.CharField(required=False, max_length=64)  # noqa: N815 - the documented model's
    featureId = serializers.CharField(max_length=LONGEST)  # noqa: N815
    featureName = serializers.CharField(max_length=LONGEST)  # noqa: N815
    api = serializers.JSONField(required=False, allow_null=True)
    database = serializers.JSONField(required=False, allow_null=True)
    frontend = serializers.JSONField(required=False, allow_null=True)


class SampleContractForm(NewContractForm):
    """The same; keys that are not known are passed over, and a sample is made when there is no body."""

    takes_others = True


class ChangedContractForm(ContractForm):
    """What is replaced. ``version`` is the one that was read, unless ``If-Match`` says it."""

    version = serializers.IntegerField(required=False, min_value=1, max_value=INT_MAX)
    featureName = serializers.CharField(required=False, max_length=LONGEST)  # noqa: N815
    api = serializers.JSONField(required=False, allow_null=True)
    database = serializers.JSONField(required=False, allow_null=True)
    frontend = serializers.JSONField(required=False, allow_null=True)


class VersionForm(ProjectForm):
    """The version that was read, unless ``If-Match`` says it."""

    version = serializers.IntegerField(required=False, min_value=1, max_value=INT_MAX)


class FeatureForm(ContractForm):
    """A feature; what it involves decides which parts its contract has."""

    projectId = serializers.CharField(required=False, max_length=64)  # noqa: N815
    id = serializers.CharField(max_length=LONGEST)
    name = serializers.CharField(max_length=LONGEST)
    involves = serializers.ListField(
        child=serializers.ChoiceField(choices=["backend", "database", "frontend"]), required=False
    )
    module = serializers.CharField(required=False, max_length=LONGEST)
    description = serializers.CharField(required=False, max_length=10_000, allow_blank=True)
    complexity = serializers.ChoiceField(choices=["simple", "medium", "complex"], required=False)
    dependencies = serializers.ListField(child=serializers.CharField(), required=False)
    estimatedMin = serializers.IntegerField(required=False, min_value=0, max_value=INT_MAX)  # noqa: N815


class ContractQuery(Form):
    """Which contracts; ``projectId`` is another name for ``project``."""

    projectId = serializers.CharField(required=False, max_length=64)  # noqa: N815
    featureId = serializers.CharField(required=False, max_length=LONGEST)  # noqa: N815
    status = serializers.ChoiceField(choices=STATES, required=False)


def parts_of(form: dict[str, Any]) -> dict[str, Any]:
    """Return the parts in a form."""
    return {name: form[name] for name in PARTS if name in form}
