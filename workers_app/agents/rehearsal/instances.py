"""A value that matches a JSON Schema: the same for the same seed, and filled with plausible text.

It covers what the Messages API takes in ``output_config``; limits that the SDK
has moved into a description (``{minimum: 1, maximum: 10}``) are honoured too.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_DEPTH: Final = 12
USUAL_ITEMS: Final = 2

_MOVED_LIMIT = re.compile(
    r"(minimum|maximum|exclusiveMinimum|exclusiveMaximum|multipleOf|minLength|maxLength|minItems|maxItems): "
    r"(-?\d+(?:\.\d+)?)"
)
_FORMATS: Final = {
    "date": "2026-11-20",
    "time": "09:30:00Z",
    "date-time": "2026-11-20T09:30:00Z",
    "duration": "PT30M",
    "email": "team@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


@dataclass(frozen=True, kw_only=True)
class Instances:
    """Makes values for one schema. ``text(name, position)`` gives the words for a property."""

    root: Mapping[str, Any]
    seed: str
    text: Callable[[str, int], str]

    def value(self) -> Any:
        """Return a value that matches the whole schema."""
        return self._of(self.root, "answer", 0, 0)

    def _of(self, schema: Any, name: str, position: int, depth: int) -> Any:
        if not isinstance(schema, Mapping):
            return self.text(name, position)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]  # the first is what the author thinks of first: high, passed, must
        for choice in ("anyOf", "oneOf"):
            if schema.get(choice):
                return self._of(_leanest(schema[choice], depth), name, position, depth)
        if schema.get("allOf"):
            return self._of(_merged(schema), name, position, depth)
        return self._of_type(schema, name, position, depth)

    def _of_type(self, schema: Mapping[str, Any], name: str, position: int, depth: int) -> Any:
        types = schema.get("type", "object" if "properties" in schema else "string")
        kind = types[0] if isinstance(types, list) else types
        limits = _limits(schema)
        match kind:
            case "object":
                return self._object(schema, position, depth)
            case "array":
                return self._array(schema, name, limits, depth)
            case "integer" | "number":
                told = self.text(name, position)
                known = told.isdigit() and _within(limits, int(told))
                return int(told) if known else _number(kind, limits, self._roll(name, position))
            case "boolean":
                return True
            case "null":
                return None
        return _fitted(self._string(schema, name, position), limits)

    def _object(self, schema: Mapping[str, Any], position: int, depth: int) -> dict[str, Any]:
        required = schema.get("required", [])
        members = {
            name: part
            for name, part in schema.get("properties", {}).items()
            if name in required or depth < MAX_DEPTH // 2
        }
        # Below the top all members share the place of their item, so that what belongs together fits.
        made = {
            name: self._of(part, name, position if depth else place, depth + 1)
            for place, (name, part) in enumerate(members.items())
        }
        return made | {name: self.text(name, 0) for name in required if name not in made}

    def _array(
        self, schema: Mapping[str, Any], name: str, limits: Mapping[str, float], depth: int
    ) -> list[Any]:
        least = int(limits.get("minItems", 0))
        if least == 0 and _may_be_empty(schema):
            return []
        usual = USUAL_ITEMS + self._roll(name, depth) % 2 if depth < MAX_DEPTH // 2 else 0
        count = int(min(max(usual, least), limits.get("maxItems", max(usual, least))))
        singular = name.removesuffix("s")
        return [self._item(schema.get("items", {}), singular, position, depth) for position in range(count)]

    def _item(self, schema: Any, name: str, position: int, depth: int) -> Any:
        item = self._of(schema, name, position, depth + 1)
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            item["id"] = f"{name[:3].upper()}-{position + 1}"
        return item

    def _string(self, schema: Mapping[str, Any], name: str, position: int) -> str:
        if _may_be_empty(schema):
            return ""
        if schema.get("format") == "uuid":
            digest = hashlib.sha256(f"{self.seed}/{name}/{position}".encode()).hexdigest()
            return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
        return _FORMATS.get(schema.get("format", "")) or self.text(name, position)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(MAX_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#"):
                return schema
            target: Any = self.root
            for step in reference.lstrip("#").strip("/").split("/"):
                target = target.get(step, {}) if step and isinstance(target, Mapping) else target
            schema = target
        return {}

    def _roll(self, name: str, position: int) -> int:
        return hashlib.sha256(f"{self.seed}/{name}/{position}".encode()).digest()[0]


def _may_be_empty(schema: Mapping[str, Any]) -> bool:
    """Return whether the author says when the value is empty: the usual answer then has nothing to report."""
    return "empty when" in str(schema.get("description", "")).lower()


def _leanest(choices: list[Any], depth: int) -> Any:
    if depth < MAX_DEPTH // 2:
        return choices[0]
    # Deep down a recursive schema is left by the branch that does not go on.
    return next(
        (one for one in choices if isinstance(one, Mapping) and one.get("type") == "null"), choices[-1]
    )


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        both = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= part
        if both:
            merged |= {"properties": both, "required": required}
    return merged


def _limits(schema: Mapping[str, Any]) -> dict[str, float]:
    limits = {name: float(value) for name, value in _MOVED_LIMIT.findall(str(schema.get("description", "")))}
    return limits | {
        name: float(value)
        for name, value in schema.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _within(limits: Mapping[str, float], number: float) -> bool:
    return limits.get("minimum", number) <= number <= limits.get("maximum", number)


def _number(kind: str, limits: Mapping[str, float], roll: int) -> float:
    step = limits.get("multipleOf", 1.0)
    low = max(limits.get("minimum", 0.0), limits.get("exclusiveMinimum", float("-inf")) + step)
    high = min(limits.get("maximum", low + 9), limits.get("exclusiveMaximum", float("inf")) - step)
    # Four fifths of the way up: a good score on a scale, a small count without one.
    wanted = low + (high - low) * (0.8 if "maximum" in limits else (roll % 5) / 9)
    number = min(max(round(wanted / step) * step, low), high)
    return int(number) if kind == "integer" else float(number)


def _fitted(text: str, limits: Mapping[str, float]) -> str:
    least, most = int(limits.get("minLength", 0)), int(limits.get("maxLength", len(text) + 10**6))
    while len(text) < least:
        text += f" {text}" if text else "x"
    return text[:most]
