"""Who may come in, projects, chores, deliveries."""
