"""Logins, tokens, projects, members, the audit log."""
