"""Engines of answer runs that work on this side of the GPU border."""
