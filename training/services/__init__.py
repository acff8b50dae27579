"""Writes: rounds and their stages, training runs, evaluations."""
