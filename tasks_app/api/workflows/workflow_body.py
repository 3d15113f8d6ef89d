"""A workflow's text in a request: as ``text/yaml``, as a file of a form, or as ``{"content": "..."}``."""

from typing import Any, Final

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from cpds.api.errors import BodyTooLarge, flaw
from cpds.api.requests.forms import ProjectForm, read_body
from cpds.api.requests.parsers import ApplicationYAMLParser, JSONParser, TextParser, YAMLParser
from cpds.base.conf import conf


class OldYAMLParser(TextParser):
    """Takes ``application/x-yaml``, which programs older than the registered names send."""

    media_type = "application/x-yaml"


SOURCE_PARSERS: Final = (JSONParser, YAMLParser, ApplicationYAMLParser, OldYAMLParser, MultiPartParser)


class SourceForm(ProjectForm):
    """A workflow's text in JSON."""

    content = serializers.CharField(trim_whitespace=False, help_text="the workflow in YAML or JSON")


class FileForm(serializers.Serializer[Any]):
    """A workflow as a file."""

    file = serializers.FileField()


SOURCE_BODY: Final = {
    "application/json": SourceForm,
    "text/yaml": OpenApiTypes.STR,
    "application/yaml": OpenApiTypes.STR,
    "multipart/form-data": FileForm,
}


def source_of(request: Request) -> bytes:
    """Return the text that a request brings, as it came.

    :raises InvalidInput: when there is none, or several.
    :raises BodyTooLarge: when a file is larger than a body may be.
    """
    body = request.data
    if isinstance(body, QueryDict):
        return _of_form(request)
    if isinstance(body, dict) and isinstance(body.get("content"), bytes):
        return bytes(body["content"])
    content: str = read_body(request, SourceForm)["content"]
    return content.encode()


def _of_form(request: Request) -> bytes:
    files = [file for _, listed in request.FILES.lists() for file in listed]
    if len(files) != 1:
        raise flaw("/file", f"expected one file, found {len(files)}", code="required")
    most = conf().body_bytes
    if (files[0].size or 0) > most:
        raise BodyTooLarge(most=most)
    return bytes(files[0].read())
