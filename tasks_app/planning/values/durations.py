"""Spans of time as a workflow writes them. They are read alike everywhere, see ``cpds.base.durations``."""

from cpds.base.durations import DURATION_PATTERN, LONGEST_SECONDS, format_duration, parse_duration

__all__ = ["DURATION_PATTERN", "LONGEST_SECONDS", "format_duration", "parse_duration"]
