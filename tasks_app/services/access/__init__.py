"""Who may do what: tokens, logins, members, projects, the audit log."""
