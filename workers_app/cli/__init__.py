"""What the fleet's commands show."""
