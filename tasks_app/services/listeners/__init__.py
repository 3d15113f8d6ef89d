"""Who is told of events, and how far each has been told."""
