"""A definition written out: as YAML, as JSON Schema, as differences."""
