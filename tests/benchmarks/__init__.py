"""Benchmarks: what Crossfade costs, as ratios within one run. `python -m tests.benchmarks`; not part of the suite."""
