"""What a task says about the person who must agree before it runs."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec_types import LONGEST_NAME, Duration, Spec
from tasks_app.planning.source.problems import described, shortened

MAX_FORM_VALUES: Final = 1_000
"""Keys and values of one form; people fill in far fewer."""


def _form(form: dict[str, JSON]) -> dict[str, JSON]:
    from jsonschema import Draft202012Validator, SchemaError

    values = list(_values(form))
    if len(values) > MAX_FORM_VALUES:
        raise ValueError(f"a form may hold at most {MAX_FORM_VALUES:,} values")
    if form.get("type", "object") != "object":
        raise ValueError(f"a form describes a mapping: type must be object, found {described(form['type'])}")
    try:
        Draft202012Validator.check_schema(form, format_checker=Draft202012Validator.FORMAT_CHECKER)
    except SchemaError as error:
        where = "".join(f"[{step!r}]" for step in error.absolute_path)
        found = f"{where}: {error.message}" if where else error.message
        raise ValueError(f"the form is no JSON Schema: {shortened(found)}") from None
    _require_own_references(form, values)
    return form


def _require_own_references(form: dict[str, JSON], values: list[JSON]) -> None:
    """Refuse what checking an answer would have to fetch, or could not find."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    known = Registry().with_resource("", DRAFT202012.create_resource(form)).resolver()
    for value in values:
        for key in ("$ref", "$dynamicRef"):
            reference = value.get(key) if isinstance(value, dict) else None
            if not isinstance(reference, str):
                continue
            if not reference.startswith("#"):
                raise ValueError(f"a form may refer only to itself (#/…), found {described(reference)}")
            try:
                known.lookup(reference)
            except Unresolvable:
                raise ValueError(f"the form has no {described(reference)} to refer to") from None


def _values(value: JSON) -> Iterator[JSON]:
    pending = [value]
    while pending:
        item = pending.pop()
        yield item
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


class ApprovalSpec(Spec):
    """Who may agree, until when, and what they are asked."""

    model_config = ConfigDict(title="Approval")

    by: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)], ...], Field(strict=False)
    ] = Field(default=(), description="Who may answer: people or groups; anyone when left out.")
    expires_seconds: Duration | None = Field(
        default=None, alias="expires", title="Expires", description="How long an answer is waited for."
    )
    default: Literal["reject", "approve"] = Field(
        default="reject", description="The answer when none came in time."
    )
    form: Annotated[dict[str, Any], AfterValidator(_form)] = Field(
        default_factory=dict, description="What is asked: a JSON Schema of the values to give."
    )
