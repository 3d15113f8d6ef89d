"""Control of instances and tasks, one by one and in bulk."""
