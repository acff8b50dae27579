"""Readers of benchmark files: thin, streaming, each yielding the same ``Row``; docs/benchmarks.md has their columns."""
