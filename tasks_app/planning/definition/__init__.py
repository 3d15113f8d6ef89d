"""What a workflow may say, key by key."""
