"""The workers: registered, kept alive, asked to leave, described."""
