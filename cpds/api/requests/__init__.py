"""How requests are read and bounded."""
