"""The statements that every task runs: take it, finish it, note both, look around.

Their text is in ``sql``; what they do where that cannot be run, in ``hot_querysets``.
"""

from functools import partial
from typing import Any

from cpds.base.statements import Rows, Statement
from tasks_app import signals
from tasks_app.models import hot_querysets
from tasks_app.models.hot_querysets import CLAIM_COLUMNS, listed, serving
from tasks_app.models.sql import FOLDER

__all__ = [
    "CLAIM",
    "CLAIM_COLUMNS",
    "CLAIM_WITHOUT_MESSAGE",
    "CLOSE_RECORD",
    "COMPLETE",
    "LOOK_AROUND",
    "NOTE_MOVE",
    "OPEN_RECORD",
    "listed",
    "serving",
]


class _EventInsert(Statement):
    """An INSERT of an event, which goes around the model that passes on that it was written."""

    def run(self, **values: Any) -> Rows:
        rows = super().run(**values)
        signals.events_written([(values["instance_id"], values["kind"])])
        return rows


_statement = partial(Statement, folder=FOLDER)

CLAIM = _statement("claim_task", otherwise=hot_querysets.claim_task)
CLAIM_WITHOUT_MESSAGE = _statement("claim_without_message", otherwise=hot_querysets.claim_without_message)
COMPLETE = _statement("complete_task", otherwise=hot_querysets.complete_task)
OPEN_RECORD = _statement("open_record", otherwise=hot_querysets.open_record)
CLOSE_RECORD = _statement("close_record", otherwise=hot_querysets.close_record)
NOTE_MOVE = _EventInsert("note_move", folder=FOLDER, otherwise=hot_querysets.note_move)
LOOK_AROUND = _statement("look_around", otherwise=hot_querysets.look_around)
