"""The record: workflows, instances, tasks, execution records and events."""
