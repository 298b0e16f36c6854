"""Benchmarks: each prints ratios measured in one run; its first lines say how to repeat it."""
