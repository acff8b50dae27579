"""Mixtures, slots, agents, samples, datasets."""
