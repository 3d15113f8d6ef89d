"""What the schema says of the open health checks, which are plain views and not described by themselves."""

from typing import Any, Final

JSONSchema = dict[str, Any]

_TEXT: Final = {"type": "string"}
_ANSWERS: Final = {"type": "string", "enum": ["connected", "disconnected"]}


def with_health(result: JSONSchema, **_context: Any) -> JSONSchema:
    """Return the schema with the open health checks: a postprocessing hook of drf-spectacular."""
    result["paths"] = dict(sorted({**result["paths"], **_paths()}.items()))
    return result


def _paths() -> JSONSchema:
    services = {"database": _ANSWERS, "redis": _ANSWERS}
    moment = {"type": "string", "format": "date-time"}
    known = _object(status=_status(), version=_TEXT, uptime=_TEXT, timestamp=moment)
    whole = "Say whether the database and the broker answer"
    described = {
        "/livez": _always("livez", "Say that the process answers", _object(status=_word("alive"))),
        "/readyz": _or_503(
            "readyz",
            "Say whether requests can be served",
            _object(status=_word("ready", "unready"), database=_ANSWERS),
        ),
        "/health": _or_503("health", whole, _enveloped(service=_word("cpds"), **services, data=known)),
        "/api/health": _always(
            "classic_health",
            "Say in which mode the installation runs",
            _object(status=_word("healthy"), mode=_word("standalone", "cloud")),
            refusal="ClassicRefusal",
        ),
        "/api/v1/health": _or_503(
            "health_v1",
            whole,
            _enveloped(app=_TEXT, version=_TEXT, services=_object(**services), **services),
        ),
        "/api/v1/health/database": _or_503(
            "health_database", "Say whether the database answers", _enveloped(status=_ANSWERS)
        ),
        "/api/v1/health/redis": _or_503(
            "health_redis", "Say whether the broker answers", _enveloped(status=_ANSWERS)
        ),
    }
    return {path: {"get": operation} for path, operation in described.items()}


def _or_503(name: str, summary: str, answer: JSONSchema) -> JSONSchema:
    operation = _always(name, summary, answer)
    operation["responses"]["503"] = _response(answer, "The database or the broker does not answer.")
    return operation


def _always(name: str, summary: str, answer: JSONSchema, *, refusal: str = "Refusal") -> JSONSchema:
    refused = {"$ref": f"#/components/schemas/{refusal}"}
    return {
        "operationId": f"{name}_get",
        "summary": summary,
        "tags": ["health"],
        "security": [],
        "responses": {
            "200": _response(answer, "Answered."),
            "4XX": _response(refused, "Refused; the sentence says what to do."),
        },
    }


def _response(shape: JSONSchema, description: str) -> JSONSchema:
    return {"description": description, "content": {"application/json": {"schema": shape}}}


def _enveloped(**properties: JSONSchema) -> JSONSchema:
    return _object(
        **{
            "status": _status(),
            "success": {"type": "boolean"},
            "code": {"type": "integer", "enum": [0, 503]},
            "message": _TEXT,
            **properties,
        }
    )


def _object(**properties: JSONSchema) -> JSONSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _status() -> JSONSchema:
    return _word("healthy", "unhealthy")


def _word(*words: str) -> JSONSchema:
    return {"type": "string", "enum": list(words)}
