"""Checks of a definition as a whole."""
