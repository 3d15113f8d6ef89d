"""Why a task or an instance waits, and the proof that a history is sound."""
