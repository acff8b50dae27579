"""Benchmarks: ``python -m bench.<name>``; the last line is one JSON object with the named figures."""
