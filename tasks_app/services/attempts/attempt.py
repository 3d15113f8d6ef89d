"""An attempt, as whoever makes it speaks of it. Each transport says who that is, and how it is answered."""

from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from cpds.base import db
from cpds.base.in_doubt import settle_in_doubt
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, ExecutionRecord
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
from tasks_app.services.attempts.claims import Claim, held_claim
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.attempts.sanitize import sentence
from tasks_app.services.attempts.stopped import acknowledge_stop
from tasks_app.services.attempts.streams import with_present_failures
from tasks_app.services.lookup.fences import Fence
from tasks_app.states import RecordState


class Attempt:
    """One attempt of a worker, under the fence of its claim.

    Every act counts only while the claim is held. Else it changes nothing, and raises ``StaleDispatch``.
    """

    def __init__(self, *, worker: str, fence: Fence, claim: Claim | None = None) -> None:
        self._worker = worker
        self._fence = fence
        self._claim = claim

    @classmethod
    def of(cls, claim: Claim) -> "Attempt":
        """Return the attempt of a worker that has its claim at hand: the row need not be read again."""
        return cls(worker=claim.worker, fence=claim.fence, claim=claim)

    @property
    def claim(self) -> Claim:
        """The claim it is made under, as it was when it was taken or first asked for."""
        if self._claim is None:
            self._claim = held_claim(worker=self._worker, **self._fence._asdict())
        if self._claim is None:
            raise self._fence.stale()
        return self._claim

    def progress(self, *, fraction: float, message: str = "") -> None:
        """Record how far it is, 0 to 1, and say so in the ledger."""
        claim = self.claim
        fraction = min(1.0, max(0.0, fraction))
        text = sentence(text=message, known=claim.known_secrets)
        with db.transaction():
            if not self._fence.held().update(progress=fraction, progress_message=text):
                raise self._fence.stale()
            _note(claim, "task.progress", text, {"progress": fraction})

    def log(self, lines: Iterable[str]) -> None:
        """Add lines to the instance's log, all or none."""
        claim = self.claim
        with db.transaction():
            if not db.locking(self._fence.held()).exists():
                raise self._fence.stale()
            for line in lines:
                _note(claim, "task.log", sentence(text=line, known=claim.known_secrets), {})

    def end(self, outcome: Outcome) -> bool:
        """Record how it ended and plan what follows; return whether the task completed by this.

        Said again, for example because the answer was lost, it counts once. A worker that says
        so too late has stopped all the same: nothing waits for its lease to end any more.
        """
        try:
            return report_outcome(claim=self._claim_to_end(), outcome=outcome)
        except StaleDispatch:
            if self._has_ended(outcome):
                return False
            self._acknowledge_stop()
            raise

    def _claim_to_end(self) -> Claim:
        claim = self.claim
        if claim.stream is None:
            return claim
        return settle_in_doubt(lambda: with_present_failures(claim), was_done=None)

    def _has_ended(self, outcome: Outcome) -> bool:
        """Return whether it has ended in this very way already; who hands a task back says so once."""
        match outcome:
            case Completed():
                return self._records().filter(status=RecordState.COMPLETED).exists()
            case Failed():
                failed = self._records().filter(status=RecordState.FAILED, error_kind=outcome.kind)
                return failed.exists()
            case Interrupted():
                return False

    def _acknowledge_stop(self) -> None:
        for instance_id in self._records().values_list("task__instance_id", flat=True):
            acknowledge_stop(**self._fence._asdict(), instance_id=instance_id)

    def _records(self) -> "QuerySet[ExecutionRecord]":
        """Return its record, or none when this worker never made such an attempt."""
        return ExecutionRecord.objects.filter(worker=self._worker, **self._fence._asdict())


def _note(claim: Claim, kind: str, message: str, data: Mapping[str, JSON]) -> None:
    Event.objects.create(
        instance_id=claim.instance_pk,
        task_id=claim.task_id,
        kind=kind,
        attempt=claim.attempt,
        worker=claim.worker,
        message=message,
        data=dict(data),
    )
