"""Views: what is answered about a resource, as a frozen struct whose fields are declared once.

The JSON of the API, the schema at ``/api/schema`` and the ``--json`` of the commands all
come from these declarations. A class ``TaskView`` is ``TaskShape`` in the schema, and its
docstring the description there.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, TypeVar, dataclass_transform

import msgspec
from msgspec import UNSET, Meta, UnsetType

T = TypeVar("T")

Count = Annotated[int, Meta(ge=0)]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A time as RFC 3339 in UTC with milliseconds; see ``tasks_app.services.queries.moment``."""
Time = Annotated[datetime, Meta(tz=True)]
"""A time that is written with all its digits."""
JSONObject = dict[str, Any]


class ViewMeta(msgspec.StructMeta):
    """Makes every view frozen, and its fields keywords; a struct does not inherit the latter."""

    def __new__(cls, name: str, bases: Any, namespace: Any, **options: Any) -> Any:
        """Return the class."""
        return super().__new__(cls, name, bases, namespace, **{"frozen": True, "kw_only": True, **options})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class View(msgspec.Struct, metaclass=ViewMeta, frozen=True):
    """The base of all views. A field that may be ``UNSET`` is left out of the JSON while it is."""


def one_of(words: Collection[str]) -> Meta:
    """Return what a text is annotated with that is one of these words."""
    return Meta(extra_json_schema={"enum": [str(word) for word in words]})


def known(value: T | None) -> T | UnsetType:
    """Return a value for a field that is left out when there is none."""
    return UNSET if value is None else value


def plain(value: Any) -> Any:
    """Return views, and what holds them, as dicts and lists; what is no JSON yet becomes text."""
    return msgspec.to_builtins(value, str_keys=True)
