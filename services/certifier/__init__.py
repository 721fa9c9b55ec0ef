"""Certifies days that are over, once a day, at the lowest priority."""
