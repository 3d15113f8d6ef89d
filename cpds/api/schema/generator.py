"""What the schema says of every endpoint by itself: its name, its group, how to authenticate."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from cpds.api.requests.forms import Form

_WITHOUT_NUL = r"^[^\u0000]*$"
_SAYS_SOMETHING = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
"""Spaces alone are refused: they are cut off before the text is looked at."""
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class EndpointSchema(AutoSchema):
    """Names an operation for its view, and groups it by the first word of its address."""

    def get_operation_id(self) -> str:
        """Return group, view and method: ``projects_one_project_patch``; compat ones say so first."""
        name = _WORDS.sub("_", type(self.view).__name__).lower()
        group = re.sub(r"\W", "_", self.get_tags()[0])
        place = [] if self.path.startswith("/api/v1/") else ["compat"]
        return "_".join([*place, *([] if name.startswith(group) else [group]), name, self.method.lower()])

    def get_tags(self) -> list[str]:
        """Return the group."""
        return [self.path.removeprefix("/api/v1/").removeprefix("/api/").strip("/").split("/")[0]]

    def get_auth(self) -> list[dict[str, Any]]:
        """Return how to authenticate; not at all, where anybody may ask."""
        return [{"bearer": []}] if self.view.authentication_classes else []

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        shape = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Form) and not serializer.takes_others:
            shape["additionalProperties"] = False
        return shape

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        shape = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if type(field) is serializers.CharField and isinstance(field.parent, Form):
            must_say_something = field.trim_whitespace and not field.allow_blank
            shape.setdefault("pattern", _SAYS_SOMETHING if must_say_something else _WITHOUT_NUL)
        return shape
