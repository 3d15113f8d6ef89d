"""The workers and beats of a run: started, replaced, and ended by pid."""

import os
from pathlib import Path

import psutil

from tests.chaos.patience import patiently
from tests.chaos.site import Site
from tests.support.processes import BeatProcess, PythonProgram, WorkerProcess
from tests.support.waiting import wait_until

CONCURRENCY = 4
LOGGED = {"CPDS_LOG_LEVEL": "INFO"}
END_SECONDS = 15

Held = list[tuple[int, int]]
"""Tasks, each with the attempt that runs."""


class Crew:
    """Worker processes and beats. Names are never used twice, unless a worker is started anew."""

    def __init__(self, *, site: Site, directory: Path, workers: int) -> None:
        self.site = site
        self.directory = directory
        self.workers: list[WorkerProcess] = []
        self.beats: list[BeatProcess] = []
        self.frozen: WorkerProcess | None = None
        self._hired = 0
        self._ended: list[PythonProgram] = []
        for _ in range(workers):
            self.hire()
        self.start_beat()

    def hire(self, *, wait: bool = False) -> WorkerProcess:
        """Start one more worker."""
        self._hired += 1
        worker = WorkerProcess(
            directory=self.directory, name=f"w{self._hired}", concurrency=CONCURRENCY, env=LOGGED
        )
        worker.start(wait=wait)
        self.workers.append(worker)
        return worker

    def start_beat(self) -> None:
        """Start one more beat."""
        beat = BeatProcess(
            directory=self.directory, name=f"beat{len(self.beats) + len(self._ended)}", env=LOGGED
        )
        beat.start(wait=False)
        self.beats.append(beat)

    def wait_until_ready(self) -> None:
        """Wait until every worker takes messages."""
        for worker in self.workers:
            worker.wait_until_ready()

    def kill_worker(self, worker: WorkerProcess) -> None:
        """Kill a worker with -9; what it started is left to die by itself."""
        worker.kill()
        self.workers.remove(worker)
        self._ended.append(worker)

    def kill_beats(self) -> None:
        """Kill every beat with -9."""
        for beat in self.beats:
            beat.kill()
        self._ended += self.beats
        self.beats = []

    def keep_up(self) -> list[str]:
        """Start anew what ended by itself; return the ends of its logs."""
        fallen = [each for each in (*self.workers, *self.beats) if not each.is_running]
        told = [f"{each.name} ended with {each.exit_code}: {each.log_tail(2000)}" for each in fallen]
        for each in fallen:
            each.start(wait=False)
        return told

    def busiest(self, chance: float) -> tuple[WorkerProcess, Held]:
        """Return a worker that holds tasks, if any does, and what it holds; ``chance`` chooses."""
        able = [each for each in self.workers if each is not self.frozen and each.is_ready()]
        able = able or [each for each in self.workers if each is not self.frozen]
        held = patiently(lambda: {each.name: held_by(each.node) for each in able})
        busy = [each for each in able if held[each.name]] or able
        chosen = busy[int(chance * len(busy))]
        return chosen, held[chosen.name]

    def end(self) -> list[str]:
        """End all of it; return the command lines of what does not want to go."""
        for program in (*self.beats, *self.workers):
            program.ask_to_stop()
        for program in (*self.beats, *self.workers):
            program.stop()
        try:
            wait_until(lambda: not self.left_behind(), timeout=END_SECONDS)
        except AssertionError:
            return self.left_behind()
        return []

    def left_behind(self) -> list[str]:
        """Return the command lines of living processes that know this run's state directory."""
        state = str(self.site.directory / "state")
        spared = {os.getpid(), *self.site.server_pids()}
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid in spared or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                told = [*process.environ().values(), *process.cmdline()]
                if any(state in word for word in told):
                    found.append(f"{process.pid} {' '.join(process.cmdline())}")
            except psutil.Error:
                continue
        return found


def held_by(node: str) -> Held:
    """Return the tasks that a worker runs, by the record."""
    from tasks_app.models import Task

    return list(Task.objects.filter(worker=node, status="running").values_list("pk", "attempts"))
