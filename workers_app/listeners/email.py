"""``email``: a mail for each event, by Django's mail settings."""

from collections.abc import Collection
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.template import Context, Engine, TemplateSyntaxError

from workers_app.listeners.contract import Heard

DEFAULT_EVENTS: Final = ("workflow.failed", "workflow.terminated")
SUBJECT: Final = "[CPDS] {{ event }}: {{ workflow }}{% if task %} / {{ task }}{% endif %} ({{ instance_id }})"
BODY: Final = """\
{{ event }}

Workflow:  {{ workflow }}
Instance:  {{ instance_id }}
{% if task %}Task:      {{ task }}{% if attempt %} (attempt {{ attempt }}){% endif %}
{% endif %}When:      {{ happened_at|date:"Y-m-d H:i:s T" }}
{% if message %}
{{ message }}
{% endif %}
See: python manage.py instance status {{ instance_id }}
"""
SUBJECT_CHARACTERS: Final = 200


class Email:
    """Mails each event.

    :param to: one recipient or more, as a list or with commas.
    :param sender: default: Django's ``DEFAULT_FROM_EMAIL``.
    :param subject: a Django template over the fields of ``Heard``; likewise ``body``.
    :raises ValueError: in a sentence that repeats no option.
    """

    def __init__(
        self, *, to: str | Collection[str], sender: str = "", subject: str = SUBJECT, body: str = BODY
    ) -> None:
        self.name = "email"
        self.events = DEFAULT_EVENTS
        recipients = to.split(",") if isinstance(to, str) else to
        self._to = [each.strip() for each in recipients if each.strip()]
        if not self._to or not all("@" in each for each in self._to):
            raise ValueError("expected to to be one mail address or more")
        self._sender = sender
        # An engine of its own: plain text is not escaped, and no template of the site is within reach.
        engine = Engine(autoescape=False)
        try:
            self._subject, self._body = engine.from_string(subject), engine.from_string(body)
        except TemplateSyntaxError:
            raise ValueError("expected subject and body to be Django templates") from None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an error of the mail server might repeat."""
        return (settings.EMAIL_HOST_PASSWORD,)

    def deliver(self, event: Heard) -> None:
        """Send the mail. Two deliveries of one event have the same ``Message-ID``.

        :raises OSError: when the mail server cannot be reached or refuses (SMTP's errors are among these).
        """
        context = Context({**event.as_json(), "happened_at": event.happened_at}, autoescape=False)
        # A line break in a header would let a message add headers of its own.
        subject = " ".join(self._subject.render(context).split())[:SUBJECT_CHARACTERS]
        EmailMessage(
            subject=subject,
            body=self._body.render(context),
            from_email=self._sender or settings.DEFAULT_FROM_EMAIL,
            to=self._to,
            headers={
                "Message-ID": f"<{event.delivery_id}@cpds>",
                "X-CPDS-Delivery": event.delivery_id,
                "Auto-Submitted": "auto-generated",
            },
        ).send(fail_silently=False)
