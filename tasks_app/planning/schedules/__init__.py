"""When schedules fire: cron expressions, and which of the times to fire now."""
