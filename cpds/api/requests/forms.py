"""Bodies and queries as forms: what is not in the form is refused, with what was probably meant."""

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.request import Request

from cpds.api.errors import Flaw, InvalidInput
from cpds.api.json_text import as_text
from cpds.api.responses.refusals import flaws_of

FormType = TypeVar("FormType", bound="Form")
EVERY_QUERY = frozenset({"project", "limit", "offset", "cursor", "format"})
"""What an address may be asked with beside its form, and reads itself."""
EVERYWHERE = frozenset({"project", "format"})
"""What every endpoint of people may be asked with."""


class Form(serializers.Serializer[Any]):
    """The fields a request may have. ``takes_others``: others are passed over, for documented clients."""

    takes_others = False

    def to_internal_value(self, data: Any) -> Any:
        """Return the values, after looking for fields that do not exist."""
        if isinstance(data, dict) and not self.takes_others:
            unknown = {key: [_unknown(key, self.fields)] for key in data if key not in self.fields}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


class ProjectForm(Form):
    """A form that may name the project, which the endpoint has read already."""

    project = serializers.SlugField(required=False, max_length=64, help_text="the project's slug")


def read_body(request: Request, form: type[FormType], **options: Any) -> dict[str, Any]:
    """Return the checked values of a body.

    :raises InvalidInput: with every mistake.
    """
    return _checked(form(data=request.data, **options), "/")


def read_query(
    request: Request, form: type[FormType], *, also: frozenset[str] = EVERY_QUERY
) -> dict[str, Any]:
    """Return the checked values of a query; each key may stand there once, unless its field takes a list.

    :raises InvalidInput: with every mistake.
    """
    fields = form().fields
    given: dict[str, Any] = {}
    for key in request.query_params:
        if key in fields or key not in also:
            values = request.query_params.getlist(key)
            given[key] = values if isinstance(fields.get(key), serializers.ListField) else values[-1]
    _check_text(given)
    return _checked(form(data=given), "?")


def check_query(request: Request, *, known: frozenset[str]) -> None:
    """Make sure that a query has no other keys than these, and those of every endpoint.

    :raises InvalidInput: with every other one.
    """
    flaws = [
        Flaw(pointer=f"?{as_text(key)}", code=str(detail.code), detail=str(detail))
        for key in request.query_params
        if key not in known | EVERYWHERE
        for detail in [_unknown(key, known)]
    ]
    if flaws:
        raise InvalidInput(flaws=flaws)


def _unknown(key: Any, known: Iterable[str]) -> serializers.ErrorDetail:
    near = difflib.get_close_matches(str(key)[:100], sorted(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return serializers.ErrorDetail(f"this key is not known here{hint}", code="unknown_key")


def _check_text(given: dict[str, Any]) -> None:
    flaws = [
        Flaw(pointer=f"?{as_text(key)}", code="nul_character", detail="NUL characters are not taken")
        for key, value in given.items()
        if "\0" in f"{key}{value if isinstance(value, str) else ''.join(value)}"
    ]
    if flaws:
        raise InvalidInput(flaws=flaws)


def _checked(form: Form, sign: str) -> dict[str, Any]:
    if not form.is_valid():
        flaws = flaws_of(form.errors)
        if sign == "?":
            flaws = [
                Flaw(pointer=f"?{each.pointer.removeprefix('/')}", code=each.code, detail=each.detail)
                for each in flaws
            ]
        raise InvalidInput(flaws=flaws)
    values: dict[str, Any] = form.validated_data
    return values
