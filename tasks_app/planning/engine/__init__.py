"""What follows from what happened: pure decisions over the graph and its states."""
