"""Proof by experiment that nothing is lost and nothing happens twice: real processes, killed, frozen and cut off.

`make chaos` runs the long form, `tests/faults/test_chaos.py` the short one.
"""
