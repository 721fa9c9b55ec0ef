"""Certifies days that are over, once a day: after everybody else, and in nobody's way."""
