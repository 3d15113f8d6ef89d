"""What can go wrong while a task's ``with`` is filled in."""

from http import HTTPStatus

from cpds.base.errors import CPDSError


class TemplateError(CPDSError):
    """A template could not be filled in: correct the field, or what the upstream task produces."""

    code = "template_failed"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "{field} of task {task!r} cannot be filled in: {found}."


class UndefinedReference(TemplateError):
    """A template names something that is not there: correct the name, or have it produced upstream."""

    code = "template_undefined"


class TemplateTooLarge(TemplateError):
    """A template makes too much or works too long: pass less on, or a reference to it."""

    code = "template_too_large"
