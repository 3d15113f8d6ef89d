"""Workflows, schedules, contracts."""
