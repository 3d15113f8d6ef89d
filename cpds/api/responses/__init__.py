"""How answers are written: envelopes, refusals, pages of lists, files."""
