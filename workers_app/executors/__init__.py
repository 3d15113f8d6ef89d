"""One file per kind of work, one contract, one shared test suite."""
