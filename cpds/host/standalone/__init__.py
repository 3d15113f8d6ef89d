"""Standalone mode: one command that starts, supervises and stops everything on this machine."""
