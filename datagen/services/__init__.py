"""Writes of the datagen app."""
