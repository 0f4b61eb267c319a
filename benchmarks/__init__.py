"""Measurements against named peers, in one run on one machine; `python -m benchmarks --help`."""
