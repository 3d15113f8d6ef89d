"""The plan: definitions, their checks, their templates and their graph. Pure; knows no framework."""
