"""From a definition to rows: instances, and tasks created on their own."""
