"""Everything else that commands show: workflows, tasks, schedules, listeners, access."""
