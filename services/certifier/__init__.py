"""Certifies past days, once a day, at the lowest priority."""
