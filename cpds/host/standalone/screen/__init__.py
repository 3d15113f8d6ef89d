"""What the user of a terminal sees."""
