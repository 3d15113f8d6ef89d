"""The components of the schema that views are: a view says itself which keys it has, and of which types."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent

from cpds.base.view import View

JSONSchema = dict[str, Any]
_NULL: Final = {"type": "null"}


class ViewComponent(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Describes a view, and those that it holds."""

    target_class = View
    match_subclasses = True

    def get_name(self, auto_schema: Any = None, direction: Any = None) -> str:  # noqa: ARG002
        """Return the name of the component."""
        return component_name(self.target.__name__)

    def get_identity(self, _auto_schema: Any, _direction: Any) -> str:
        """Return what tells the component from others: its name, for a name means one view."""
        return component_name(self.target.__name__)

    def map_serializer(self, auto_schema: Any, _direction: Any) -> JSONSchema:
        """Return the schema of the view; those that it holds become components of their own."""
        schemas = view_schemas(self.target)
        own = schemas.pop(component_name(self.target.__name__))
        for name, schema in schemas.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema
            )
            auto_schema.registry.register_on_missing(component)
        return own


def component_name(view: str) -> str:
    """Return the name in the schema of the view of this name."""
    return f"{view.removesuffix('View')}Shape" if view.endswith("View") else view


def view_schemas(*views: type[View]) -> dict[str, JSONSchema]:
    """Return the JSON Schemas of views and of those that they hold, by the names of their components."""
    _, found = msgspec.json.schema_components(views, ref_template="{name}")
    return {component_name(name): _tidy(schema) for name, schema in found.items()}


def _tidy(schema: Mapping[str, Any]) -> JSONSchema:
    """Return a schema with references to components, and null among the types of what may be null."""
    tidied: JSONSchema = {}
    for key, value in schema.items():
        if key == "title":
            continue
        if key == "$ref":
            tidied[key] = f"#/components/schemas/{component_name(value)}"
        elif key == "properties":
            tidied[key] = {name: _tidy(each) for name, each in value.items()}
        elif key in {"items", "additionalProperties"} and isinstance(value, Mapping):
            tidied[key] = _tidy(value)
        elif key == "anyOf":
            tidied |= _either([_tidy(each) for each in value])
        else:
            tidied[key] = value
    if tidied.get("type") == "number":
        tidied["format"] = "double"
    return tidied


def _either(choices: list[JSONSchema]) -> JSONSchema:
    one = [each for each in choices if each != _NULL]
    if len(one) != 1 or not isinstance(one[0].get("type"), str):
        return {"anyOf": choices}
    words = {"enum": [*one[0]["enum"], None]} if "enum" in one[0] else {}
    return {**one[0], "type": [one[0]["type"], "null"], **words}
