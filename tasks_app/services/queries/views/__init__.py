"""What the queries answer, resource by resource."""
