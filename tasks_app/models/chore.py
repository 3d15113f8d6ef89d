"""When each chore last ran: how anyone may tick and nobody ticks twice."""

from django.db import models


class Chore(models.Model):
    """A recurring duty.

    ``ran_at`` is the start of its last run; ``grace_until`` holds back rescues
    after a gap in which nobody could renew a lease.
    """

    name = models.CharField(max_length=40, primary_key=True)
    ran_at = models.DateTimeField(null=True, blank=True)
    grace_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
