"""Data, recipes, the training loop and evaluation. Start with `python -m training --help`."""
