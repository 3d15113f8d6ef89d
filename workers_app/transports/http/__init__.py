"""Workers over HTTP: registered, given work, waited for."""
