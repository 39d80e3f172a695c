"""Data sets: registry.py has them by name, and loads one's own."""
