"""The HTTP endpoints of the record, and what every endpoint of CPDS stands on."""
