"""What people give besides a definition: parameters, and tasks on their own."""
