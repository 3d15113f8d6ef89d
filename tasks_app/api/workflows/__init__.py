"""Workflows, their executions, schedules and contracts."""
