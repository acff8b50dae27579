"""Reads: outcomes of a run by item, reports as the API and the pages show them, items with their answers."""
