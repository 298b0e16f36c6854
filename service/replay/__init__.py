"""Replaying real messages through the house on a simulated clock. Nothing in here is used in production."""
