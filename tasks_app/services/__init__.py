"""The verbs of the record, a package for each part; the import rules say which may use which."""
