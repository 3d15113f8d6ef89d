"""What the schema says of the open health checks, which are plain views and not described by themselves."""

from typing import Any

from cpds.api.schema.components import JSONSchema, component_name, view_schemas
from cpds.base.view import View
from cpds.host.health.answers import AWAY, AliveView, AppView, ModeView, ReadyView, ServerView, SystemView


def with_health(result: JSONSchema, **_context: Any) -> JSONSchema:
    """Return the schema with the open health checks: a postprocessing hook of drf-spectacular."""
    result["paths"] = dict(sorted({**result["paths"], **_paths()}.items()))
    shown = view_schemas(AliveView, AppView, ModeView, ReadyView, ServerView, SystemView)
    components = result["components"]
    components["schemas"] = dict(sorted({**components["schemas"], **shown}.items()))
    return result


def _paths() -> JSONSchema:
    whole = "Say whether the database and the broker answer"
    mode = "Say in which mode the installation runs"
    described = {
        "/livez": _always("livez", "Say that the process answers", AliveView),
        "/readyz": _or_503("readyz", "Say whether requests can be served", ReadyView),
        "/health": _or_503("health", whole, SystemView),
        "/api/health": _always("compat_health", mode, ModeView, refusal="CompatRefusal"),
        "/api/v1/health": _or_503("health_v1", whole, AppView),
        "/api/v1/health/database": _or_503("health_database", "Say whether the database answers", ServerView),
        "/api/v1/health/redis": _or_503("health_redis", "Say whether the broker answers", ServerView),
    }
    return {path: {"get": operation} for path, operation in described.items()}


def _or_503(name: str, summary: str, answer: type[View]) -> JSONSchema:
    operation = _always(name, summary, answer)
    operation["responses"]["503"] = _response(component_name(answer.__name__), AWAY)
    return operation


def _always(name: str, summary: str, answer: type[View], *, refusal: str = "Refusal") -> JSONSchema:
    return {
        "operationId": f"{name}_get",
        "summary": summary,
        "tags": ["health"],
        "security": [],
        "responses": {
            "200": _response(component_name(answer.__name__), "Answered."),
            "4XX": _response(refusal, "Refused; the sentence says what to do."),
        },
    }


def _response(component: str, description: str) -> JSONSchema:
    shape = {"$ref": f"#/components/schemas/{component}"}
    return {"description": description, "content": {"application/json": {"schema": shape}}}
