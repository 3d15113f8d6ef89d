"""Templates: rendered in a sandbox, with every cost bounded."""
