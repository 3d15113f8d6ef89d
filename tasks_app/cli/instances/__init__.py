"""``manage.py instance`` and what starts and follows instances."""
