"""Definitions and contracts: stored, given another schedule, deleted."""
