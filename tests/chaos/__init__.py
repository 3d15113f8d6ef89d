"""Chaos: real processes do real work while faults are committed, and the record must still prove itself."""
