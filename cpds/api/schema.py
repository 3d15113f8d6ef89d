"""What the schema says of every door by itself: its name, its group, how to authenticate."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class DoorSchema(AutoSchema):
    """Names an operation for its view, and groups it by the first word of its address."""

    def get_operation_id(self) -> str:
        """Return the view's name and the method: ``one_project_patch``."""
        name = _WORDS.sub("_", type(self.view).__name__).lower()
        place = "" if self.path.startswith("/api/v1/") else "classic_"
        return f"{place}{name}_{self.method.lower()}"

    def get_tags(self) -> list[str]:
        """Return the group."""
        return [self.path.removeprefix("/api/v1/").removeprefix("/api/").strip("/").split("/")[0]]

    def get_auth(self) -> list[dict[str, Any]]:
        """Return how to authenticate; not at all, where anybody may ask."""
        return [{"bearer": []}] if self.view.authentication_classes else []
