"""Ground under both apps: clock, transaction words, errors, redaction, settings. Imports neither app."""
