"""What must hold for the history of an instance, judged event by event. Pure.

A ``History`` is told the events of one instance in the order of their ids and
keeps only how each task stands; ``check_history`` then compares that with the
rows and the records.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tasks_app.states import (
    INSTANCE_FINAL,
    INSTANCE_MOVES,
    TASK_FINAL,
    TASK_MOVES,
    InstanceState,
    JoinMode,
    RecordState,
    TaskState,
)

RETRIED: Final = "task.retried"
"""A person had this task tried again, while its instance went on."""
SPEECH: Final = frozenset({"task.progress", "task.log"})
DONE: Final = frozenset({TaskState.COMPLETED, TaskState.COMPENSATING, TaskState.COMPENSATED})
REOPENED: Final = frozenset({TaskState.PENDING, TaskState.COMPENSATING})
"""What tasks become when an ended instance goes on: retried, or undone."""
_TASK_MOVE: Final = {f"task.{state}": state for state in TaskState}
_INSTANCE_MOVE: Final = {f"instance.{state}": state for state in InstanceState}


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Something that must not have happened. ``event`` is the id of the event that shows it, if one does."""

    rule: str
    task: str | None
    sentence: str
    event: int | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A task as its row says, and its records: number and state of each, by number."""

    name: str
    status: TaskState
    satisfies: bool | None
    allow_failure: bool
    join: JoinMode
    join_count: int | None
    attempts: int
    records: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """What a task needs of other instances: how much, and how much of it is satisfied or was pruned since."""

    needs: int = 0
    good: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """An event, as far as it matters here."""

    event: int
    kind: str
    task: int | None = None
    attempt: int | None = None


@dataclass(kw_only=True)
class _Course:
    """How a task stands after the events so far."""

    state: TaskState = TaskState.PENDING
    attempts: int = 0
    skips: int = 0
    is_retried: bool = False
    has_child: bool = False
    """It waits for the instance it started: an attempt without a worker."""
    done_by: int | None = None
    """The attempt that completed it; None: none did, its result came from elsewhere."""


@dataclass(frozen=True, kw_only=True)
class _Start:
    """A start that is judged at the end, when it is known what the skips it met were worth."""

    task: int
    event: int
    good: int
    over: int
    unsure: tuple[tuple[int, int], ...]
    """Needed tasks that were skipped then, each with which of its skips it was."""


class History:
    """The history of one instance, taken event by event."""

    def __init__(self, status: InstanceState) -> None:
        self.status = status
        self.subjects: dict[int, Subject] = {}
        self.needs: dict[int, list[int]] = {}
        self.elsewhere: dict[int, Elsewhere] = {}
        self.violations: list[Violation] = []
        self.stands = InstanceState.PENDING
        self.courses: dict[int, _Course] = {}
        self._starts: list[_Start] = []

    def take(self, line: Line) -> None:
        """Judge the next event."""
        if line.kind in _INSTANCE_MOVE:
            self._take_instance(_INSTANCE_MOVE[line.kind], line)
        elif line.kind == RETRIED and line.task is not None:
            self.course(line.task).is_retried = True
        elif line.task is not None and line.task in self.subjects:
            if line.kind in _TASK_MOVE:
                self._take_task(_TASK_MOVE[line.kind], line.task, line)
            elif line.kind in SPEECH:
                self._take_log_line(line.task, line)

    def starts(self) -> Iterator[_Start]:
        """Yield the starts that are still to be judged."""
        yield from self._starts

    def course(self, task: int) -> _Course:
        """Return how a task stands."""
        return self.courses.setdefault(task, _Course())

    def blame(self, rule: str, task: int | None, sentence: str, event: int | None = None) -> None:
        """Note a violation."""
        name = self.subjects[task].name if task is not None else None
        self.violations.append(Violation(rule=rule, task=name, sentence=sentence, event=event))

    def _take_instance(self, to: InstanceState, line: Line) -> None:
        if to not in INSTANCE_MOVES[self.stands]:
            self.blame("illegal_move", None, f"it was {self.stands} and became {to}", line.event)
        self.stands = to

    def _take_task(self, to: TaskState, task: int, line: Line) -> None:
        course = self.course(task)
        before, course.state = course.state, to
        if to not in TASK_MOVES[before]:
            self.blame("illegal_move", task, f"it was {before} and became {to}", line.event)
        elif (
            before in TASK_FINAL
            and to is TaskState.PENDING
            and self.stands not in INSTANCE_FINAL
            and not course.is_retried
        ):
            self.blame("stale_write", task, f"it was {before} and started again without a retry", line.event)
        elif self.stands in INSTANCE_FINAL and to not in REOPENED:
            self.blame(
                "stale_write", task, f"it became {to} after its instance was {self.stands}", line.event
            )
        course.is_retried = False
        had_child, course.has_child = course.has_child, False
        if to is TaskState.RUNNING:
            self._take_start(course, task, line)
        elif to is TaskState.WAITING and (line.attempt or 0) > course.attempts:
            course.has_child = True
            self._take_start(course, task, line)
        elif to is TaskState.SKIPPED:
            course.skips += 1
        elif to is TaskState.COMPLETED and (before is TaskState.RUNNING or had_child):
            course.done_by = line.attempt
            if line.attempt != course.attempts:
                sentence = f"attempt {line.attempt} completed it while attempt {course.attempts} ran"
                self.blame("stale_write", task, sentence, line.event)

    def _take_log_line(self, task: int, line: Line) -> None:
        course = self.course(task)
        if course.state is not TaskState.RUNNING:
            sentence = f"attempt {line.attempt} spoke when the task was {course.state}"
        elif line.attempt != course.attempts:
            sentence = f"attempt {line.attempt} spoke while attempt {course.attempts} ran"
        else:
            return
        self.blame("stale_write", task, sentence, line.event)

    def _take_start(self, course: _Course, task: int, line: Line) -> None:
        course.attempts += 1
        if line.attempt != course.attempts:
            sentence = f"its start number {course.attempts} was counted as attempt {line.attempt}"
            self.blame("attempts", task, sentence, line.event)
        needs = self.needs.get(task, ())
        elsewhere = self.elsewhere.get(task, Elsewhere())
        if not needs and not elsewhere.needs:
            return
        # What happened in other instances is not in this ledger: what satisfies never ceases to, and
        # what is over is taken for granted.
        good, over = elsewhere.good, elsewhere.needs
        unsure: list[tuple[int, int]] = []
        for needed in needs:
            theirs = self.courses.get(needed)
            if theirs is None:
                continue
            over += theirs.state in TASK_FINAL or theirs.state in DONE
            if theirs.state in DONE:
                good += 1
            elif theirs.state is TaskState.FAILED:
                good += self.subjects[needed].allow_failure
            elif theirs.state is TaskState.SKIPPED:
                unsure.append((needed, theirs.skips))
        if good < len(needs) + elsewhere.needs:
            self._starts.append(
                _Start(task=task, event=line.event, good=good, over=over, unsure=tuple(unsure))
            )


def check_history(*, history: History, is_moving: bool = False) -> list[Violation]:
    """Return everything wrong with a history whose events have all been taken.

    ``is_moving``: rows and records were read at another moment than the events,
    so that only what the events prove alone is judged.
    """
    _check_starts(history)
    if not is_moving:
        for task, subject in history.subjects.items():
            _check_task(history, task, subject)
        if history.stands is not history.status:
            sentence = f"it is {history.status}, and by its events {history.stands}"
            history.blame("unrecorded_move", None, sentence)
    return history.violations


def _check_starts(history: History) -> None:
    for start in history.starts():
        subject = history.subjects[start.task]
        elsewhere = history.elsewhere.get(start.task, Elsewhere())
        needs = len(history.needs.get(start.task, ())) + elsewhere.needs
        # A skip that a retry took back did not satisfy anybody; of the last one the row still tells.
        good = start.good + sum(
            history.courses[needed].skips == skip and history.subjects[needed].satisfies is True
            for needed, skip in start.unsure
        )
        if not _suffices(subject, needs=needs, good=good, over=start.over):
            sentence = (
                f"it started when {good} of the {needs} it needs were satisfied and {start.over} over; "
                f"it joins {_join(subject)}"
            )
            history.blame("started_early", start.task, sentence, start.event)


def _suffices(subject: Subject, *, needs: int, good: int, over: int) -> bool:
    match subject.join:
        case JoinMode.ALL:
            return good == needs
        case JoinMode.ANY:
            return good >= 1
        case JoinMode.ALL_DONE:
            return over == needs
        case JoinMode.AT_LEAST:
            return good >= (subject.join_count or 1)


def _join(subject: Subject) -> str:
    return f"at least {subject.join_count}" if subject.join is JoinMode.AT_LEAST else subject.join.value


def _check_task(history: History, task: int, subject: Subject) -> None:
    course = history.courses.get(task, _Course())
    if course.state is not subject.status:
        sentence = f"it is {subject.status}, and by its events {course.state}"
        history.blame("unrecorded_move", task, sentence)
    if history.status in INSTANCE_FINAL and subject.status not in TASK_FINAL:
        history.blame("unfinished", task, f"it is {subject.status}, and its instance is {history.status}")
    _check_attempts(history, task, subject, course)
    _check_completion(history, task, subject, course)


def _check_attempts(history: History, task: int, subject: Subject, course: _Course) -> None:
    numbers = [number for number, _ in subject.records]
    if subject.attempts != course.attempts:
        sentence = f"it counts {subject.attempts} attempts, and by its events there were {course.attempts}"
        history.blame("attempts", task, sentence)
    if numbers != list(range(1, course.attempts + 1)):
        sentence = f"its records are numbered {_shown(numbers)}, and it started {course.attempts} times"
        history.blame("attempts", task, sentence)
    still_open = [number for number, status in subject.records if status == RecordState.RUNNING]
    is_attempted = subject.status is TaskState.RUNNING or course.has_child
    if still_open and (not is_attempted or still_open != [subject.attempts]):
        history.blame(
            "open_record", task, f"its records {_shown(still_open)} are open, and it is {subject.status}"
        )


def _check_completion(history: History, task: int, subject: Subject, course: _Course) -> None:
    completed = [number for number, status in subject.records if status == RecordState.COMPLETED]
    if len(completed) > 1:
        history.blame("completed_twice", task, f"its records {_shown(completed)} all say completed")
    elif subject.status in DONE and course.done_by is not None and completed != [course.done_by]:
        sentence = f"attempt {course.done_by} completed it, and completed records are {_shown(completed)}"
        history.blame("completed_record", task, sentence)
    elif completed and course.done_by is None:
        history.blame(
            "completed_record", task, f"its record {completed[0]} says completed, and no event does"
        )


def _shown(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers[:10]))
    return f"{listed} and {len(numbers) - 10} more" if len(numbers) > 10 else listed or "none"
