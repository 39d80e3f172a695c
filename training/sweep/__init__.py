"""Many trainings of one recipe, to compare settings: what to run, where it runs, and what comes out."""
