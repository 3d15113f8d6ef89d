"""Commands that leave nothing behind: started, bounded, and ended with all they started.

``perform_command`` runs one and says how it went; ``end_all`` ends every one this
process runs, at worker shutdown. Linux only.
"""

from workers_app.executors.processes.command import Command, Limits
from workers_app.executors.processes.outcomes import perform_command
from workers_app.executors.processes.running import end_all

__all__ = ["Command", "Limits", "end_all", "perform_command"]
