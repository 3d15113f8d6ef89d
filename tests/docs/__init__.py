"""The README and docs/ say what is so."""
