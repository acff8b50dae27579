"""Reads: a round as its page and the API show it, curves, and what may come next."""
