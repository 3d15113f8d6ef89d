"""A broker without a broker: what was published is kept here and delivered when the test says so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tasks_app.planning.engine.canvas_plan import Canvas, Dispatch


@dataclass(kw_only=True, eq=False)
class Chord:
    """The members of a dependency group that are still to come, and what starts after them."""

    body: tuple[int, ...]
    left: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Message:
    """A message for one task; ``rest`` is what it carries of its line."""

    task_id: int
    dispatch_id: str
    rest: tuple[int, ...] = ()
    chord: Chord | None = None


@dataclass
class Doorbell:
    """Takes dispatches as ``canvas.publish.publish`` does, and passes them on as Celery would."""

    dispatches: list[Dispatch] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    is_broken: bool = False
    attempts: int = 0
    before_each: Callable[[], None] = lambda: None

    def publish(self, dispatches: Iterable[Dispatch]) -> bool:
        """Keep the messages of each; when broken, refuse the first and stop."""
        for dispatch in dispatches:
            self.attempts += 1
            self.before_each()
            if self.is_broken:
                return False
            self.dispatches.append(dispatch)
            canvas = dispatch.canvas
            chord = Chord(body=canvas.body, left=len(canvas.lines)) if canvas.body else None
            for line in canvas.lines:
                self._put(line, dispatch.id, chord)
        return True

    @property
    def canvases(self) -> list[Canvas]:
        """The canvases that were published."""
        return [dispatch.canvas for dispatch in self.dispatches]

    def take(self) -> list[Message]:
        """Return the messages that are out, oldest first, and leave none."""
        taken, self.messages = self.messages, []
        return taken

    def completed(self, message: Message) -> None:
        """Publish what follows a message whose task completed: the next of its line, or the group's body."""
        if message.rest:
            self._put(message.rest, message.dispatch_id, message.chord)
        elif message.chord is not None:
            message.chord.left -= 1
            if message.chord.left == 0:
                self._put(message.chord.body, message.dispatch_id, None)

    def _put(self, line: tuple[int, ...], dispatch_id: str, chord: Chord | None) -> None:
        first, *rest = line
        self.messages.append(Message(task_id=first, dispatch_id=dispatch_id, rest=tuple(rest), chord=chord))
