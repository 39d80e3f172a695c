"""A visitor's trainings, in worker processes."""
