"""Commands that leave nothing behind: started, bounded, and ended with all they started.

``run_command`` runs one; ``end_all`` ends every one this process runs, at
worker shutdown. Linux only.
"""

from workers_app.executors.processes.command import Command, Ending, Finished, Limits, run_command
from workers_app.executors.processes.running import end_all

__all__ = ["Command", "Ending", "Finished", "Limits", "end_all", "run_command"]
