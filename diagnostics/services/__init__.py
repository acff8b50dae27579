"""Writes: benchmarks and checkpoints come in, answer runs are made and carried out, reports are frozen."""
