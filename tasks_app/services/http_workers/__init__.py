"""The record's side of the HTTP transport: offers, claims and reports of HTTP workers."""
