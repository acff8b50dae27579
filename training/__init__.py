"""Rounds, training runs, evaluations, gates."""
