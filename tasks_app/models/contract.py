"""The agreed interface of a feature: what the API, the database and the frontend have to keep to."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tasks_app.models import identifiers
from tasks_app.models.project import Project
from tasks_app.states import ContractState

_STATES = [(state.value, state.value) for state in ContractState]


class ContractParts(models.Model):
    """What a version of a contract says; a part that does not concern the feature is null."""

    status = models.CharField(max_length=12, choices=_STATES, default=ContractState.DRAFT)
    api = models.JSONField(null=True, blank=True)
    database = models.JSONField(null=True, blank=True)
    frontend = models.JSONField(null=True, blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    approved_by = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True


class Contract(ContractParts):
    """The contract of a feature, as it stands. ``version`` counts its changes and guards them."""

    public_id = models.CharField(
        "id", max_length=40, unique=True, default=identifiers.contract_id, editable=False
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="contracts", db_index=False)
    feature_id = models.CharField(max_length=200)
    feature_name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            # Prevents a feature from having two contracts that disagree.
            models.UniqueConstraint(fields=["project", "feature_id"], name="contract_per_feature"),
        ]

    def __str__(self) -> str:
        return f"{self.feature_name} v{self.version}"


class ContractVersion(ContractParts):
    """A version of a contract that another one has replaced."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="replaced", db_index=False)
    number = models.PositiveIntegerField()
    replaced_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            # Prevents one version from being kept twice.
            models.UniqueConstraint(fields=["contract", "number"], name="contract_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.contract} before v{self.number + 1}"
