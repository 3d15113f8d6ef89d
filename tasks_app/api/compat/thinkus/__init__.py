"""Routes that clients know from elsewhere: a task, a contract, the delivery of a feature."""
