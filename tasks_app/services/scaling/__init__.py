"""How many workers the work that is there wants."""
