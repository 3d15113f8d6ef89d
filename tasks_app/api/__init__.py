"""The HTTP doors of the record, and what every door of CPDS stands on."""
