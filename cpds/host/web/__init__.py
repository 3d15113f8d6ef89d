"""The web server: how a request comes in, and who answers it."""
