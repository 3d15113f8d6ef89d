"""The mail of an event."""

import smtplib
from email import message_from_bytes
from email.policy import default

import pytest
from django.core import mail

from tests.support.mail_server import a_mail_server
from tests.unit.listeners.builders import an_event
from workers_app.listeners.email import Email


def test_it_says_what_happened_and_where_to_look():
    Email(to="ops@example.com, lead@example.com").deliver(an_event())

    (sent,) = mail.outbox
    assert sent.to == ["ops@example.com", "lead@example.com"]
    assert sent.subject == "[CPDS] workflow.failed: nightly-etl (inst-1)"
    assert "extract: exit code 1" in sent.body
    assert "manage.py instance status inst-1" in sent.body
    assert sent.extra_headers["X-CPDS-Delivery"] == "0b6f"


def test_subject_and_body_may_be_given():
    listener = Email(
        to=["ops@example.com"],
        sender="cpds@example.com",
        subject="{{ workflow|upper }} {{ task|default:'-' }}",
        body="{{ data.by }} & {{ happened_at|date:'Y-m-d' }}",
    )

    listener.deliver(an_event())

    (sent,) = mail.outbox
    assert (sent.from_email, sent.subject, sent.body) == (
        "cpds@example.com",
        "NIGHTLY-ETL -",
        "ann & 2026-03-01",
    )


def test_a_name_cannot_add_headers():
    Email(to="ops@example.com", subject="{{ workflow }}").deliver(
        an_event(workflow="x\r\nBcc: eve@example.com")
    )

    (sent,) = mail.outbox
    assert sent.subject == "x Bcc: eve@example.com"
    assert sent.recipients() == ["ops@example.com"]


def test_a_real_server_gets_it(settings):
    with a_mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port

        Email(to="ops@example.com").deliver(an_event(message="naïve ☃"))

    message = message_from_bytes(server.mails[0], policy=default)
    assert server.recipients == [["ops@example.com"]]
    assert message["Message-ID"] == "<0b6f@cpds>"
    assert "naïve ☃" in message.get_content()


def test_a_server_that_refuses_is_a_failure(settings):
    with a_mail_server() as server:
        server.refuses = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port

        with pytest.raises(smtplib.SMTPException):
            Email(to="ops@example.com").deliver(an_event())


@pytest.mark.parametrize(
    "options",
    [{"to": ""}, {"to": "nobody"}, {"to": ["a@example.com"], "subject": "{% if %}"}],
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        Email(**options)
