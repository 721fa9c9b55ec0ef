"""Proves that a tape is whole, from its objects alone."""
