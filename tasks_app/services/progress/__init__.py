"""What follows in an instance when something in it changed."""
